"""What a recipe says of how values become integers: of activations, of weights, and of linear layers' weights alone."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import model_validator

from autotune.configuration import (
    DynamicGroup,
    Granularity,
    Symmetry,
    WeightBits,
    WeightForm,
    WeightGroup,
    WeightSymmetry,
)
from autotune.frozen import FrozenMap
from autotune.recipe.estimators import EstimatorChoice, Range
from autotune.recipe.fields import Choices, Estimators, Frozen, Map
from autotune.recipe.values import problem

_GROUPS_OF_4_BITS: tuple[WeightGroup, ...] = (128, 32)


class QuantizerSpace(Frozen):
    """Choices of one activation quantiser; None follows the choice for all.

    Attributes:
        estimator: how what it saw becomes a range.
        symmetry: whether the range lies evenly around 0.
    """

    estimator: Estimators | None = None
    symmetry: Choices[Symmetry] | None = None

    @model_validator(mode="after")
    def _something(self) -> QuantizerSpace:
        if self.estimator is None and self.symmetry is None:
            raise problem("needs estimator or symmetry")
        return self


class ActivationSpace(Frozen):
    """How activation quantisers get their ranges.

    Attributes:
        estimator: how what a quantiser saw becomes a range; ``percentile`` and ``moving-average`` take a number, a list
            or ``{low, high}``.
        symmetry: whether ranges lie evenly around 0; ``as-preset`` leaves it to ``preset``.
        quantizers: activation quantiser -> what is different there.
    """

    estimator: Estimators = (
        EstimatorChoice("mean-min-max"),
        EstimatorChoice("min-max"),
        EstimatorChoice("moving-average", Range(0.01, 0.5)),
        EstimatorChoice("percentile", 0.999),
        EstimatorChoice("percentile", 0.9999),
        EstimatorChoice("mse"),
        EstimatorChoice("entropy"),
    )
    symmetry: Choices[Symmetry] = ("as-preset", "symmetric", "affine")
    quantizers: Map[QuantizerSpace] = FrozenMap()

    @property
    def is_solved(self) -> bool:
        """True when every choice is fixed."""
        quantizers: list[ActivationSpace | QuantizerSpace] = [self, *self.quantizers.values()]
        symmetries = [q.symmetry for q in quantizers if q.symmetry is not None]
        estimators = [q.estimator for q in quantizers if q.estimator is not None]
        ranges = any(isinstance(choice.parameter, Range) for choices in estimators for choice in choices)
        return not ranges and all(len(choices) == 1 for choices in [*symmetries, *estimators])


class WeightSpace(Frozen):
    """How weights get their ranges.

    Attributes:
        granularity: one range for each output channel, or one for the whole tensor.
    """

    granularity: Choices[Granularity] = ("per-channel", "per-tensor")


class CompressionSpace(Frozen):
    """How the schemes ``int8-weights`` and ``int8-dynamic`` make integers.

    Attributes:
        symmetry: of the weights.
        dynamic_group: of ``int8-dynamic``: so many input channels of an activation have one scale.
        bits: of a weight; 4 is meant for language models, and tried only where it is asked for. The last linear layer
            keeps 8.
        weight_group: so many input channels of a weight have one scale, or ``per-channel`` all of them; left out it is
            ``per-channel`` for 8 bits, and 128 and 32 for 4 bits. A layer whose input channels are no whole groups has
            8 bits per channel.
    """

    symmetry: Choices[WeightSymmetry] = ("symmetric", "affine")
    dynamic_group: Choices[DynamicGroup] = (128, 32)
    bits: Choices[WeightBits] = (8,)
    weight_group: Choices[WeightGroup] | None = None

    @property
    def forms(self) -> tuple[WeightForm, ...]:
        """The forms that weights may have, in order; at least one."""
        made = []
        for bits in self.bits:
            groups = self.weight_group or (_GROUPS_OF_4_BITS if bits == 4 else ("per-channel",))
            made += [WeightForm(bits, 0 if group == "per-channel" else group) for group in groups]
        return tuple(made)

    def is_solved_for(self, schemes: Collection[str]) -> bool:
        """Tell whether every choice is fixed that counts where operators have these schemes."""
        dynamic = "int8-dynamic" in schemes
        if not dynamic and "int8-weights" not in schemes:
            return True
        return len(self.symmetry) == len(self.forms) == 1 and (len(self.dynamic_group) == 1 or not dynamic)
