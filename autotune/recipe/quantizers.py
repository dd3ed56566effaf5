"""What a recipe says of how values become integers: of activations, of weights, and of linear layers' weights alone."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import model_validator

from autotune.configuration import DynamicGroup, Granularity, Symmetry, WeightSymmetry
from autotune.recipe.estimators import EstimatorChoice, Range
from autotune.recipe.fields import Choices, Estimators, Frozen, Map
from autotune.recipe.values import FrozenMap, problem


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
    """

    symmetry: Choices[WeightSymmetry] = ("symmetric", "affine")
    dynamic_group: Choices[DynamicGroup] = (128, 32)

    def is_solved_for(self, schemes: Collection[str]) -> bool:
        """Tell whether every choice is fixed that counts where operators have these schemes."""
        dynamic = "int8-dynamic" in schemes
        symmetry = dynamic or "int8-weights" in schemes
        return (len(self.symmetry) == 1 or not symmetry) and (len(self.dynamic_group) == 1 or not dynamic)
