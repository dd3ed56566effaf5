"""What a run found out on its way, kept for its report: operators, ranges, choices. Frozen values only."""

from __future__ import annotations

from dataclasses import dataclass

from autotune.configuration import Configuration, Estimator


@dataclass(frozen=True)
class OperatorFinding:
    """What quantising one operator, or a group that is looked at together, does.

    Attributes:
        cost: squared error of the outputs over their variance when nothing else is quantised, by emulation; None where
            only the time was looked at.
        gain: microseconds that it saves, by profile of the float model and of the frame, conversions at borders left
            out; below 0 where int8 is slower.
        taken_back: by how much the squared error of everything int8, over the same variance, shrinks when only these
            are float; below 0 where it grows, None where it was not looked at.
    """

    operators: tuple[str, ...]
    cost: float | None
    gain: float
    taken_back: float | None = None


@dataclass(frozen=True)
class FrameFindings:
    """What was found out about the operators of one frame: an int8 configuration with nothing kept float by choice.

    Attributes:
        placed: the operators that its placement quantises.
    """

    frame: Configuration
    placed: tuple[str, ...]
    operators: tuple[OperatorFinding, ...]


@dataclass(frozen=True)
class EstimatedRange:
    """The range of a FakeQuantize that an estimator leads to.

    Attributes:
        clipped: share of the observed values outside it.
    """

    estimator: Estimator
    low: float
    high: float
    clipped: float


@dataclass(frozen=True)
class QuantizerRecord:
    """What was observed where an activation quantiser of the winner stands, and what each estimator made of it.

    Attributes:
        tensor: ``<producer friendly name>:<output port>``.
        lowest, highest: extremes over all calibration samples.
        histogram: shares of the values in bins of equal width from ``lowest`` to ``highest``.
        chosen: as built. Of one with a range per channel, the widest; its estimator then has no say.
        others: what further estimators would have given; none where ranges are per channel.
    """

    name: str
    tensor: str
    per_channel: bool
    lowest: float
    highest: float
    histogram: tuple[float, ...]
    chosen: EstimatedRange
    others: tuple[EstimatedRange, ...]


@dataclass(frozen=True)
class GraphOperator:
    """An operator by what another graph of the same network shows of it, too.

    Attributes:
        kind: OpenVINO's type, or PyTorch's function.
        activations: inputs that are no constants.
        sizes: elements of its output and of its first two inputs, these ascending, for one sample; -1 where unknown.
    """

    name: str
    kind: str
    activations: int
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class ActivationRange:
    """Where an activation quantiser of a candidate stands, and its range.

    Attributes:
        readers: (operator, which of its activations) that read what it gives, with no other quantiser in between.
        low, high: least and largest value, per channel; one of each where all channels share them.
    """

    readers: tuple[tuple[str, int], ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class SmoothedActivation:
    """An activation that is divided by a factor per channel, and the operators whose weights are multiplied by them."""

    operators: tuple[str, ...]
    factors: tuple[float, ...]


@dataclass(frozen=True)
class StartingPoint:
    """What training needs of the static int8 candidate that it starts from.

    Attributes:
        operators: of the float model as it is, in the order of the graph.
        ranges: of the candidate's activation quantisers.
        smoothed: what the candidate has smoothed.
    """

    operators: tuple[GraphOperator, ...]
    ranges: tuple[ActivationRange, ...]
    smoothed: tuple[SmoothedActivation, ...] = ()


@dataclass(frozen=True)
class ChoiceImportance:
    """Shares of the variance among int8 trials that one choice explains, 0 to 1."""

    choice: str
    speed: float
    drop: float


@dataclass(frozen=True)
class Importances:
    """Which choices mattered, by functional ANOVA over random forests.

    Attributes:
        trials: int8 trials that this is of.
        noise_speed, noise_drop: what columns of random numbers came to; less than that says nothing.
    """

    trials: int
    choices: tuple[ChoiceImportance, ...]
    noise_speed: float
    noise_drop: float
