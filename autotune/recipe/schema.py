"""What a recipe may say: one schema for open recipes (choices left) and solved ones (every choice fixed)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from annotated_types import Ge, Gt, Lt
from pydantic import PrivateAttr, SerializerFunctionWrapHandler, model_serializer, model_validator

from autotune.configuration import FloatWeights, FormName, OverflowFix, PlacementName, Precision, Preset, Scheme
from autotune.frozen import FrozenMap
from autotune.recipe.document import Origin
from autotune.recipe.fields import (
    FUNCTION,
    Bytes,
    Choices,
    Duration,
    Frozen,
    Function,
    Map,
    MaxDrop,
    Milliseconds,
    Sha256,
    Speedup,
    Text,
    ThreadCount,
)
from autotune.recipe.forms import Bf16Space, Forms
from autotune.recipe.quantizers import ActivationSpace, CompressionSpace, WeightSpace
from autotune.recipe.values import Drop, problem


class MetricSpec(Frozen):
    """The metric: a ``name``, or a user's ``function`` with its ``direction``.

    Attributes:
        name: a metric that comes with autotune, such as ``accuracy`` or ``f1``.
        output: which model output to score; needed when there are several.
        function: ``FILE.py:function(outputs, labels)``, which returns one score per sample, or one number.
        direction: of the function's scores: whether higher or lower ones are better.
    """

    name: Text | None = None
    output: Text | None = None
    function: Function | None = None
    direction: Literal["higher", "lower"] = "higher"

    @property
    def label(self) -> str:
        """The metric as the user named it."""
        return self.name or self.function or ""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: object) -> object:
        if isinstance(raw, str):
            return {"function" if FUNCTION.fullmatch(raw) else "name": raw}
        return raw

    @model_validator(mode="after")
    def _one(self) -> MetricSpec:
        if (self.name is None) == (self.function is None):
            raise problem("needs exactly one of name and function")
        if self.name is not None and "direction" in self.model_fields_set and self.direction != "higher":
            raise problem(f"'{self.name}' knows its own direction; only a function is given one", "direction")
        return self

    @model_serializer(mode="wrap")
    def _shortest(self, handler: SerializerFunctionWrapHandler) -> Any:
        short = self.output is None and self.direction == "higher"
        return self.label if short else handler(self)


class Tolerance(Frozen):
    """What the winner may lose, and how sure that must be.

    Attributes:
        max_drop: a share of the float score (``1%``), or a number in the metric's own units.
        max_latency: milliseconds per inference; None for no limit.
        min_speedup: times as fast as float f32; None for no limit.
        max_size: bytes of the model's constants; None for no limit.
        max_memory: bytes of the written model's peak memory: what a process that loads and runs it takes at most, less
            what it had before; None for no limit. Measured of finalists alone, after the search.
        confidence: of every bound and interval.
        assurance: ``proven`` wants the bound of the winner's drop within the tolerance, ``expected`` its estimate.
    """

    max_drop: MaxDrop = Drop(0.01, True)
    max_latency: Milliseconds | None = None
    min_speedup: Speedup | None = None
    max_size: Bytes | None = None
    max_memory: Bytes | None = None
    confidence: Annotated[float, Gt(0.5), Lt(1)] = 0.95
    assurance: Literal["expected", "proven"] = "expected"

    @property
    def max_latency_ms(self) -> float | None:
        return self.max_latency


class Budget(Frozen):
    """When the search ends, whatever comes first.

    Attributes:
        trials: so many measured candidates.
        timeout: for the whole run: ``10m``, ``90s`` or a number of seconds.
    """

    trials: Annotated[int, Ge(1)] = 40
    timeout: Duration | None = None

    @property
    def timeout_seconds(self) -> float | None:
        return self.timeout


class ExportSpec(Frozen):
    """What is written besides the folder to deploy.

    Attributes:
        onnx: ``model_qdq.onnx`` in that folder: the winner with QuantizeLinear and DequantizeLinear, where ONNX can say
            all of it; where not, the run tells why.
    """

    onnx: bool = False


class Space(Frozen):
    """What may be tried: every key is a value, a list of values or, for parameters of estimators, a range.

    Attributes:
        precision: what is not quantised computes in it; what this CPU does not execute is left out, and said.
        schemes: of every operator that ``operators`` does not name; ``int8-weights`` and ``int8-dynamic`` are of linear
            layers only, other operators pass them over.
        placement: where quantisers go: NNCF's model type, ``plain`` (none) or ``transformer``.
        preset: ``performance`` (symmetric activations) or ``mixed`` (affine activations).
        operators: operator name -> scheme or schemes.
        activations: how activation quantisers get their ranges.
        weights: how weights get their ranges.
        bias_correction: shift biases by the mean error of the quantised weights; training corrects them anew.
        overflow_fix: where weights get 7 bits, so that sums of 8-bit products cannot saturate; offered only on CPUs
            where they can.
        forms: exactly equivalent float graphs.
        bf16_operators: operators that compute in bf16 while the rest stays f32.
        compression: how ``int8-weights`` and ``int8-dynamic`` make integers.
        float_weights: how they are stored. With both: as f32, until those of the finalists become f16 where that costs
            no accuracy. ``f16`` alone: in every candidate but float f32 itself.
        threads: how many of the run's threads; ``fewer`` stands for the halves of them, down to 1.
    """

    precision: Choices[Precision] = ("f32", "bf16", "f16")
    schemes: Choices[Scheme] = ("float", "int8-static", "int8-weights", "int8-dynamic")
    placement: Choices[PlacementName] = ("plain", "transformer")
    preset: Choices[Preset] = ("performance", "mixed")
    operators: Map[Choices[Scheme]] = FrozenMap()
    activations: ActivationSpace = ActivationSpace()
    weights: WeightSpace = WeightSpace()
    bias_correction: Choices[bool] = (True, False)
    overflow_fix: Choices[OverflowFix] = ("off", "first-layer", "all")
    forms: Forms = Forms()
    bf16_operators: Bf16Space = Bf16Space()
    compression: CompressionSpace = CompressionSpace()
    float_weights: Choices[FloatWeights] = ("f32", "f16")
    threads: Choices[ThreadCount] = ("all", "fewer")

    _origin: Origin = PrivateAttr(default_factory=Origin)

    def where(self, *key: str) -> str:
        """Return what an error message about ``key`` begins with: ``recipes/x.yaml:12: space.precision``."""
        return self._origin.where("space", *key)

    @property
    def is_solved(self) -> bool:
        """True when every choice is fixed: one candidate."""
        return not self.open_keys

    @property
    def open_keys(self) -> tuple[str, ...]:
        """The keys that leave a choice. A float model only needs its precision.

        How float weights are stored is no choice of the search: left open, a single candidate has f32.
        """
        used = {scheme for choice in (self.schemes, *self.operators.values()) for scheme in choice}
        fixed: dict[str, bool] = {
            "precision": len(self.precision) == 1,
            "threads": len(self.threads) == 1 and self.threads != ("fewer",),
            "schemes": len(self.schemes) == 1,
            "operators": all(len(choice) == 1 for choice in self.operators.values()),
            "forms": all(self.forms.of(name).is_solved for name in get_args(FormName)),
            "bf16_operators": self.precision != ("f32",) or self.bf16_operators.is_solved,
            "compression": self.compression.is_solved_for(used),
        }
        if "int8-static" in used:
            fixed |= {
                "placement": len(self.placement) == 1,
                "preset": len(self.preset) == 1,
                "weights": len(self.weights.granularity) == 1,
                "bias_correction": len(self.bias_correction) == 1,
                "overflow_fix": len(self.overflow_fix) == 1,
                "activations": self.activations.is_solved,
            }
        return tuple(key for key, is_fixed in fixed.items() if not is_fixed)


class Expect(Frozen):
    """What the rebuilt candidate of a solved recipe must equal: SHA-256 digests, written by autotune.

    Attributes:
        model: of the float model.
        data: of the three splits.
        candidate: of the model that was built and judged.
    """

    model: Sha256
    data: Sha256
    candidate: Sha256
