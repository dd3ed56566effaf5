"""What a recipe says of graph forms and of operators in bf16: a choice for all, and others for those it names."""

from __future__ import annotations

from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from autotune.configuration import FormName
from autotune.frozen import FrozenMap
from autotune.recipe.fields import Choices, Frozen, Map, Share


class FormSpace(Frozen):
    """Whether an exactly equivalent rewriting of the graph is used.

    Attributes:
        use: of every group that ``groups`` does not name.
        groups: group name (that of its first operator) -> used or not.
    """

    use: Choices[bool] = (False, True)
    groups: Map[Choices[bool]] = FrozenMap()

    @property
    def is_off(self) -> bool:
        """True when no group may be rewritten."""
        return all(choice == (False,) for choice in (self.use, *self.groups.values()))

    @property
    def is_solved(self) -> bool:
        """True when every choice is fixed."""
        return all(len(choice) == 1 for choice in (self.use, *self.groups.values()))


class Bf16Space(Frozen):
    """Whether float operators with weights compute in bf16 while the rest of the model stays f32.

    Attributes:
        use: of every operator that ``operators`` does not name.
        operators: operator name -> in bf16 or not.
    """

    use: Choices[bool] = (False, True)
    operators: Map[Choices[bool]] = FrozenMap()

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: object) -> object:
        return {"use": raw} if isinstance(raw, bool) else raw

    @model_serializer(mode="wrap")
    def _shortest(self, handler: SerializerFunctionWrapHandler) -> Any:
        return self.use[0] if len(self.use) == 1 and not self.operators else handler(self)

    @property
    def is_solved(self) -> bool:
        """True when every choice is fixed."""
        return all(len(choice) == 1 for choice in (self.use, *self.operators.values()))


class SmoothingSpace(FormSpace):
    """SmoothQuant, and its strength ``alpha``.

    Attributes:
        alpha: from 0 (activations stay as they are) to 1 (their outliers move into the weights altogether).
    """

    alpha: Choices[Share] = (0.7, 0.85, 0.95)

    @property
    def is_solved(self) -> bool:
        """True when every choice is fixed; the strength only counts where it is used."""
        return super().is_solved and (self.is_off or len(self.alpha) == 1)


class Forms(Frozen):
    """Exactly equivalent float graphs that are quantised, or run, better; ``off`` uses none of them.

    Attributes:
        one_hot_as_lookup: products of one-hot rows become lookups in a table.
        fused_activation: an activation function written out in arithmetic becomes one operator.
        convolution_borders: convolutions over one axis without reordering of memory at their borders.
        smoothing: outliers of activations move into the weights that read them (SmoothQuant).
        cross_layer_equalisation: two layers in a row get weights of the same range in every channel.
        outputs_as_channels: convolutions of few output channels compute neighbouring outputs as channels.
        linear_as_convolution: linear layers become 1x1 convolutions, which have int8 kernels on CPUs without VNNI.
        late_quantizers: the quantiser of what an attention gives comes behind the transposition that follows, which
            OpenVINO then computes with the attention where it fuses that; of int8 models only.
        direct_convolution: convolutions run in kernels of their own (oneDNN's ``jit``) instead of as batched matrix
            products; offered only where OpenVINO has both.
    """

    one_hot_as_lookup: FormSpace = FormSpace()
    fused_activation: FormSpace = FormSpace()
    convolution_borders: FormSpace = FormSpace()
    smoothing: SmoothingSpace = SmoothingSpace()
    cross_layer_equalisation: FormSpace = FormSpace()
    outputs_as_channels: FormSpace = FormSpace()
    linear_as_convolution: FormSpace = FormSpace()
    late_quantizers: FormSpace = FormSpace()
    direct_convolution: FormSpace = FormSpace()

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: object) -> object:
        return {key: {"use": False} for key in cls.model_fields} if raw == "off" else raw

    @model_serializer(mode="wrap")
    def _shortest(self, handler: SerializerFunctionWrapHandler) -> Any:
        return "off" if self == Forms.off() else handler(self)

    @classmethod
    def off(cls) -> Forms:
        """Return the choice of none of them."""
        return cls.model_validate("off")

    def of(self, name: FormName) -> FormSpace:
        """Return the choices of one form."""
        found: FormSpace = getattr(self, name.replace("-", "_"))
        return found
