"""One complete set of choices: the unit that the search explores."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

from autotune.counts import counted

Precision = Literal["f32", "bf16", "f16"]
FloatWeights = Literal["f32", "f16"]
PlacementName = Literal["plain", "transformer"]
Preset = Literal["performance", "mixed"]
Symmetry = Literal["as-preset", "symmetric", "affine"]
WeightSymmetry = Literal["symmetric", "affine"]
DynamicGroup = Literal[128, 64, 32]
WeightBits = Literal[8, 4]
WeightGroup = Literal["per-channel", 128, 64, 32]
Scheme = Literal["float", "int8-static", "int8-weights", "int8-dynamic"]
# What ran, which recipes say by ``Scheme`` and ``WeightBits``.
RunScheme = Literal["float", "int8-static", "int8-weights", "int8-dynamic", "int4-weights", "int4-dynamic"]
Granularity = Literal["per-channel", "per-tensor"]
OverflowFix = Literal["off", "first-layer", "all"]
EstimatorName = Literal["min-max", "mean-min-max", "moving-average", "percentile", "mse", "entropy"]
FormName = Literal[
    "one-hot-as-lookup",
    "fused-activation",
    "convolution-borders",
    "smoothing",
    "cross-layer-equalisation",
    "outputs-as-channels",
    "linear-as-convolution",
    "late-quantizers",
    "direct-convolution",
]
# The same graph in other kernels: which operators gain is looked at, not tried one by one.
DIRECT: FormName = "direct-convolution"
# The same quantisers elsewhere: of an int8 model only.
LATE: FormName = "late-quantizers"


@dataclass(frozen=True, order=True)
class Estimator:
    """A range estimator: how observed values become a range.

    Attributes:
        name: one of ``EstimatorName``.
        parameter: the averaging constant of ``moving-average`` (weight of the newest sample, in
            (0, 1]), the two-sided coverage ``p`` of ``percentile`` (in (0.5, 1]), else None.
    """

    name: EstimatorName = "mean-min-max"
    parameter: float | None = None

    def __str__(self) -> str:
        return self.name if self.parameter is None else f"{self.name}({self.parameter:g})"


@dataclass(frozen=True, order=True)
class ActivationChoice:
    """How one activation quantiser, or all of them, gets its range."""

    estimator: Estimator = Estimator()
    symmetry: Symmetry = "as-preset"


@dataclass(frozen=True)
class Quantization:
    """The int8 part of a configuration.

    Attributes:
        placement: NNCF's model type: ``plain`` (none) or ``transformer``.
        preset: ``performance`` (symmetric activations) or ``mixed`` (affine activations).
        float_operators: friendly names of the operators kept float, sorted.
        activation: the choice for all activation quantisers.
        overrides: (quantiser name, choice) pairs that differ from ``activation``, sorted by name.
        weights: granularity of the weight ranges.
        bias_correction: shift the biases by the mean error of the quantised weights.
        overflow_fix: where weights get 7 bits so that 8-bit sums cannot saturate.
    """

    placement: PlacementName = "plain"
    preset: Preset = "performance"
    float_operators: tuple[str, ...] = ()
    activation: ActivationChoice = ActivationChoice()
    overrides: tuple[tuple[str, ActivationChoice], ...] = ()
    weights: Granularity = "per-channel"
    bias_correction: bool = True
    overflow_fix: OverflowFix = "off"

    def __post_init__(self) -> None:
        object.__setattr__(self, "float_operators", tuple(sorted(set(self.float_operators))))
        object.__setattr__(self, "overrides", tuple(sorted(dict(self.overrides).items())))


@dataclass(frozen=True, order=True)
class FormChoice:
    """An exactly equivalent rewriting of the float graph, of some groups of operators.

    Attributes:
        groups: names of the groups, sorted; at least one.
        alpha: strength of ``smoothing``, in [0, 1]; None for the other forms.
    """

    name: FormName
    groups: tuple[str, ...]
    alpha: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", tuple(sorted(set(self.groups))))

    def __str__(self) -> str:
        strength = "" if self.alpha is None else f"({self.alpha:g})"
        return f"{self.name}{strength}" + (f" of {len(self.groups)} groups" if len(self.groups) > 1 else "")


@dataclass(frozen=True, order=True)
class WeightForm:
    """How the weights of a linear layer are stored as integers.

    Attributes:
        bits: of an integer.
        group: so many input channels of an output channel have one scale; 0: all of them.
    """

    bits: WeightBits = 8
    group: int = 0

    def divides(self, inputs: int) -> bool:
        """Tell whether a layer of so many inputs has whole groups."""
        return not self.group or inputs % self.group == 0

    def __str__(self) -> str:
        return f"int{self.bits}" + (f"/{self.group}" if self.group else "")


@dataclass(frozen=True)
class Compression:
    """Linear layers whose weights are integers, and what OpenVINO makes of the activations that they read.

    Attributes:
        operators: friendly names of the layers, sorted; at least one, none of them ``int8-static``.
        symmetry: ``symmetric`` weights have no zero point.
        dynamic_group: so many input channels have one scale, found at run time, when activations become int8 (scheme
            ``int8-dynamic``); 0 leaves activations float (scheme ``int8-weights``).
        bits, weight_group: the form of the weights, see :class:`WeightForm`.
        per_channel: those of the layers that have 8 bits and one scale per output channel all the same, sorted.
    """

    operators: tuple[str, ...]
    symmetry: WeightSymmetry = "symmetric"
    dynamic_group: int = 0
    bits: WeightBits = 8
    weight_group: int = 0
    per_channel: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "operators", tuple(sorted(set(self.operators))))
        object.__setattr__(self, "per_channel", tuple(sorted(set(self.per_channel).intersection(self.operators))))

    def __str__(self) -> str:
        groups = [f"group {self.dynamic_group}"] if self.dynamic_group else []
        if self.weight_group:
            groups.append(f"weight group {self.weight_group}")
        group = f" ({', '.join(groups)})" if groups else ""
        affine = ", affine weights" if self.symmetry == "affine" else ""
        other = f", int8 per channel in {len(self.per_channel)} more" if self.per_channel else ""
        layers = counted(len(self.operators) - len(self.per_channel), "linear layer")
        return f"{self.scheme}{group} of {layers}{other}{affine}"

    @property
    def form(self) -> WeightForm:
        """Of the weights, but for those of the layers in ``per_channel``."""
        return WeightForm(self.bits, self.weight_group)

    def form_of(self, layer: str) -> WeightForm:
        """Return how the weights of one of the layers are stored."""
        return WeightForm() if layer in self.per_channel else self.form

    @property
    def scheme(self) -> RunScheme:
        """``int8-dynamic`` or ``int8-weights``, with 4 bits ``int4-dynamic`` or ``int4-weights``."""
        if self.bits == 4:
            return "int4-dynamic" if self.dynamic_group else "int4-weights"
        return "int8-dynamic" if self.dynamic_group else "int8-weights"


@dataclass(frozen=True)
class Training:
    """What training made of a static int8 configuration: a model of its own.

    Attributes:
        digest: SHA-256 of that model's files.
        steps: of training, in all.
    """

    digest: str
    steps: int

    def __str__(self) -> str:
        return f"trained {counted(self.steps, 'step')} ({self.digest[:4]})"


@dataclass(frozen=True)
class Configuration:
    """A model in one precision: some operators ``int8-static``, some linear layers compressed, the rest float.

    Attributes:
        precision: what the operators that are not quantised compute in.
        quantization: the static int8 part; None where no operator has static int8.
        forms: rewritings of the float graph that come before everything else, sorted.
        bf16_operators: float operators with weights that compute in bf16 while the rest of the model stays f32, sorted.
        compression: the linear layers with int8 or 4-bit weights that are not ``int8-static``; None without any.
        threads: that it runs on; None for as many as the run may use.
        training: the model is not built of the float one, but was trained from the rest of this configuration.
        float_weights: how the weights that stay float are stored; ``f16`` rounds them, whatever computes with them.
    """

    precision: Precision = "f32"
    quantization: Quantization | None = None
    forms: tuple[FormChoice, ...] = ()
    bf16_operators: tuple[str, ...] = ()
    compression: Compression | None = None
    threads: int | None = None
    training: Training | None = None
    float_weights: FloatWeights = "f32"

    def __post_init__(self) -> None:
        object.__setattr__(self, "forms", tuple(sorted(self.forms)))
        object.__setattr__(self, "bf16_operators", tuple(sorted(set(self.bf16_operators))))

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the canonical JSON form; equal exactly for equal configurations."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def is_float(self) -> bool:
        """True when nothing is int8."""
        return self.quantization is None and self.compression is None

    @property
    def dynamic_group(self) -> int | None:
        """OpenVINO's property of that name that the model is compiled with; None where it does not matter."""
        return None if self.compression is None else self.compression.dynamic_group

    @property
    def complexity(self) -> int:
        """How many choices differ from what NNCF does when asked for nothing; 0 for a plain float model."""
        q, c = self.quantization, self.compression
        fewer = int(self.threads is not None)
        if q is None:
            chosen = 0 if c is None else (c.symmetry == "affine") + (c.form != WeightForm())
            return len(self.forms) + len(self.bf16_operators) + chosen + fewer
        plain = Quantization(q.placement, "performance" if q.placement == "plain" else "mixed")
        single = ("activation", "preset", "weights", "bias_correction", "overflow_fix")
        differing = sum(bool(getattr(q, name) != getattr(plain, name)) for name in single)
        compressed = 0 if c is None else 1 + (c.symmetry == "affine") + (c.form != WeightForm())
        listed = len(q.float_operators) + len(q.overrides) + len(self.forms) + len(self.bf16_operators)
        return differing + listed + compressed + fewer + (self.training is not None)

    @property
    def label(self) -> str:
        """A short name for tables and reports."""
        forms = [str(form) for form in self.forms]
        typed = [f"{counted(len(self.bf16_operators), 'operator')} in bf16"] if self.bf16_operators else []
        if self.threads is not None:
            typed.append(counted(self.threads, "thread"))
        if self.float_weights == "f16":
            typed.append("float weights stored as f16")
        if self.quantization is None:
            if self.compression is not None:
                return ", ".join([str(self.compression), *forms, *typed]) + f", rest {self.precision}"
            return ", ".join([f"float {self.precision}", *forms, *typed])
        q = self.quantization
        parts = [f"int8 {q.placement}/{q.preset}", *forms, str(q.activation.estimator)]
        if q.activation.symmetry != "as-preset":
            parts.append(q.activation.symmetry)
        if q.weights == "per-tensor":
            parts.append("per-tensor weights")
        if not q.bias_correction:
            parts.append("no bias correction")
        if q.overflow_fix != "off":
            parts.append(f"overflow fix {q.overflow_fix}")
        if q.overrides:
            mark = hashlib.sha256(repr(q.overrides).encode()).hexdigest()[:4]  # tells equal numbers apart
            parts.append(f"{counted(len(q.overrides), 'quantiser')} set singly ({mark})")
        compressed = self.compression.operators if self.compression else ()
        if kept := set(q.float_operators).difference(compressed):
            parts.append(f"{len(kept)} kept float")
        if self.compression is not None:
            parts.append(str(self.compression))
        if self.training is not None:
            parts.append(str(self.training))
        return ", ".join([*parts, *typed]) + f", rest {self.precision}"
