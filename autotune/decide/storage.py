"""Whether the float weights of what may win are stored as f16. Pure.

Storage is a choice like others: it is made on the search split, before the holdout is looked at, and what is judged
there is the model that is written. So the holdout is looked at once per finalist as ever, there are no more finalists
for its bounds to be corrected for, and no verdict is carried over from another model. Were the winner stored as f16
after it was judged, it would be one more model that the holdout is asked about, and chosen by its answer.

Float f32 is the exception: it is the reference, so with f16 it is a finalist beside itself, and one more makes the
bounds of all wider. It is taken only where nothing else promises to be faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from autotune.configuration import Configuration
from autotune.decide.digits import digits, drop_words
from autotune.decide.front import Point, points
from autotune.outcome import Status, Storage
from autotune.record import Measurement, Trial

# What the drop may grow by, as a share of the tolerance: less than one sample of most search splits.
SHARE = 0.05
# What must be saved, of all bytes and at least: for less no trial is spent.
LEAST_SHARE = 0.05
LEAST_BYTES = 1 << 16
_SAID: dict[Status, str] = {
    "proven": "is proven to keep the tolerance",
    "expected": "is expected, but not proven, to keep the tolerance",
    "beyond": "is beyond the tolerance",
}


def halved(configuration: Configuration) -> Configuration:
    """Return the same configuration with float weights stored as f16."""
    return replace(configuration, float_weights="f16")


def searched(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that do not repeat another one with f16 weights."""
    return [t for t in trials if t.origin != "storage"]


def saves(before: int, after: int) -> bool:
    """Tell whether f16 makes a model of ``before`` bytes so much smaller that it is worth a trial."""
    return before - after >= max(LEAST_BYTES, LEAST_SHARE * before)


def large_enough(trial: Trial) -> bool:
    """Tell whether f16 would save enough if all of its bytes were float weights."""
    size = trial.measurement.size_bytes if trial.measurement else 0
    return saves(size, size - size // 2)


def worth_halving(finalists: Sequence[Trial], tolerance: float) -> list[Trial]:
    """Return the finalists that are worth a trial with f16 weights: those that may win, and may become small enough.

    Args:
        finalists: as ``pick_finalists`` returns them.
        tolerance: of the drop, in the metric's own units.
    """
    found = points(finalists)
    able = [p for p in found if _is_reference(p) or p.may_be_within(tolerance)]
    if _promises(found, tolerance):
        able = [p for p in able if not _is_reference(p)]
    return [p.trial for p in able if p.trial.configuration.float_weights == "f32" and large_enough(p.trial)]


def costs_nothing(trial: Trial, other: Trial, tolerance: float) -> bool:
    """Tell whether ``other``, the same with f16 weights, loses no more than a twentieth of the tolerance beyond it.

    What f32 gains over the float model is luck, and need not be kept.
    """
    drops = [p.drop for p in points((trial, other))]
    return len(drops) == 2 and drops[1] <= max(drops[0], 0.0) + SHARE * tolerance


def with_halved(finalists: Sequence[Trial], trials: Iterable[Trial], tolerance: float) -> list[Trial]:
    """Return the finalists, each with f16 weights where that was measured and costs nothing.

    Float f32 stays, and where nothing else promises to be faster, stands last with f16 weights as well.

    Args:
        finalists: as ``pick_finalists`` returns them.
        trials: all of the run.
    """
    known = _complete(trials)
    found, own = list[Trial](), list[Trial]()
    for trial in finalists:
        other = known.get(halved(trial.configuration))
        better = other if other is not None and costs_nothing(trial, other, tolerance) else trial
        if trial.configuration == Configuration():
            found.append(trial)
            own += [better] if better is not trial and not _promises(points(finalists), tolerance) else []
        else:
            found.append(better)
    return found + [t for t in own if t.number not in {f.number for f in found}]


def storage(
    winner: Trial,
    trials: Iterable[Trial],
    tolerance: float,
    *,
    kept: Mapping[int, str],
    judged: Mapping[int, Status],
) -> Storage:
    """Say how the winner's float weights are stored, and why.

    Args:
        trials: all of the run.
        tolerance: of the drop, in the metric's own units.
        kept: number of a trial -> why it was not measured with f16, as the end of a sentence.
        judged: number of a finalist -> what the holdout says of it.
    """
    known = _complete(trials)
    as_f16 = winner.configuration.float_weights == "f16"
    other = known.get(replace(winner.configuration, float_weights="f32" if as_f16 else "f16"))
    f32, f16 = (_measured(t) for t in ((other, winner) if as_f16 else (winner, other)))
    compared = _compared(f32, f16) if f32 and f16 else ""
    status = None if other is None else judged.get(other.number)
    as_they_were = "Float weights are stored as they were"
    if as_f16:
        told = "Float weights are stored as f16"
        told += f": {compared}; the holdout judged f16." if compared else ", as in all but float f32."
    elif compared and status is not None:
        told = f"{as_they_were}; as f16: {compared}; on the holdout it {_SAID[status]}."
    elif compared and other is not None and not costs_nothing(winner, other, tolerance):
        told = f"{as_they_were}; as f16: {compared}."
    else:
        why = kept.get(winner.number, "with f16 it was not judged, for others promised to be faster")
        told = f"{as_they_were}: {why}."
    return Storage(
        winner.configuration.float_weights,
        f32.size_bytes if f32 else None,
        f16.size_bytes if f16 else None,
        f32.drop if f32 else None,
        f16.drop if f16 else None,
        told,
    )


def _complete(trials: Iterable[Trial]) -> dict[Configuration, Trial]:
    return {t.configuration: t for t in trials if t.state == "complete"}


def _compared(f32: Measurement, f16: Measurement) -> str:
    sizes = f"{digits(f16.size_bytes / 1e6, 4)} MB instead of {digits(f32.size_bytes / 1e6, 4)} MB"
    if f32.drop is None or f16.drop is None:
        return sizes
    if f32.drop == f16.drop:
        return f"{sizes}, with the same drop on the search split"
    return f"{sizes}, with {drop_words(f16.drop)} on the search split instead of {drop_words(f32.drop)}"


def _measured(trial: Trial | None) -> Measurement | None:
    return None if trial is None else trial.measurement


def _is_reference(point: Point) -> bool:
    return point.trial.configuration == Configuration()


def _promises(found: Iterable[Point], tolerance: float) -> bool:
    """Tell whether one of these seems to be within the tolerance and faster than float f32."""
    return any(p.drop <= tolerance and p.speedup.low > 1 for p in found if not _is_reference(p))
