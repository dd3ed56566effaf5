"""Whether what a run found still holds, elsewhere or later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from autotune import hardware
from autotune.configuration import Configuration
from autotune.decide.choice import ENOUGH, best_float, speedup
from autotune.decide.digits import digits
from autotune.outcome import Finalist, Fingerprint, RunRecord, Verdict, Verification
from autotune.record import Interval

# What a number in a run holds for; the memory and the kernel of the system change without changing any.
_TOLD = {"cpu": "CPU", "isa": "instructions", "instruction_set": "instruction set", "threads": "threads"}
# What is added up in int8 kernels, whether sums can saturate or not.
_SUMS = {False: "exact", True: "saturating, so int8 may give other outputs"}


def still_holds(
    run: RunRecord,
    floats: Sequence[Configuration],
    milliseconds: Sequence[Sequence[float]],
    verdicts: Sequence[Verdict],
    *,
    here: Fingerprint,
    slower: float,
) -> Verification:
    """Compare what was measured here with what the run promised.

    It holds if the drop has the asked assurance, the model is not clearly slower than the best float, it keeps its
    share of the promised speed over float f32, and meets the asked latency and speedup. "Clearly": the whole interval
    says so.

    Args:
        floats: float f32 first.
        milliseconds, verdicts: of the deployed model, then of ``floats``; milliseconds are one value per common round.
        here: this machine.
        slower: share of the promised speed that may be missing.
    """
    promised = next(f for f in run.finalists if f.trial == run.winner)
    configurations = [promised.configuration, *floats]
    judged = [
        Finalist(i, c, Interval(1.0, 1.0, 1.0), Interval(1.0, 1.0, 1.0), tuple(ms), verdict)
        for i, (c, ms, verdict) in enumerate(zip(configurations, milliseconds, verdicts, strict=True))
    ]
    baseline = judged[1]
    timed = [_with_speed(f, baseline, run) for f in judged]
    best = best_float(timed[1:], ENOUGH[run.goal.assurance])
    deployed = timed[0]
    reasons = tuple(_reasons(deployed, promised, best, run, slower))
    return Verification(
        holds=not reasons,
        reasons=reasons,
        differences=differences(run.fingerprint, here),
        verdict=deployed.verdict,
        speedup=deployed.speedup,
        speedup_best_float=speedup(deployed, best, run.goal),
        best_float=best.configuration.label,
        latency_ms=_milliseconds(deployed),
        promised=promised,
        fingerprint=here,
    )


def _reasons(deployed: Finalist, promised: Finalist, best: Finalist, run: RunRecord, slower: float) -> Iterator[str]:
    """Yield a sentence's end for everything that was promised and does not hold."""
    goal = run.goal
    if deployed.verdict.status not in ENOUGH[goal.assurance]:
        yield _drop_reason(deployed.verdict, run)
    against_best = speedup(deployed, best, goal)
    itself = best.configuration == deployed.configuration  # a float that won, and the same compiled once more
    if against_best.high < 1 and not itself:
        yield (
            f"it is slower than {best.configuration.label}: {against_best.estimate:.2f}x as fast "
            f"({against_best.low:.2f} to {against_best.high:.2f})"
        )
    fast = f"it is {deployed.speedup.estimate:.2f}x as fast as float f32"
    needed = promised.speedup.estimate * (1 - slower)
    if deployed.speedup.high < needed:
        yield f"{fast}, {promised.speedup.estimate:.2f}x was promised and at least {needed:.2f}x is wanted"
    if goal.min_speedup is not None and deployed.speedup.high < goal.min_speedup:
        yield f"{fast}, at least {goal.min_speedup:g}x were asked"
    latency = _milliseconds(deployed)
    if goal.max_latency_ms is not None and latency > goal.max_latency_ms:
        yield f"it takes {digits(latency)} ms, at most {goal.max_latency_ms:g} ms were asked"


def _milliseconds(finalist: Finalist) -> float:
    return float(np.median(finalist.milliseconds))


def differences(before: Fingerprint, here: Fingerprint) -> tuple[str, ...]:
    """Name what differs between two machines, as ``CPU: before → here``."""
    found = []
    for field in fields(Fingerprint):
        old, new = getattr(before, field.name), getattr(here, field.name)
        if field.name == "isa":
            lost, gained = sorted(set(old) - set(new)), sorted(set(new) - set(old))
            if lost or gained:
                found.append("; ".join(_listed(t, n) for t, n in (("without", lost), ("with", gained)) if n))
        elif field.name in _TOLD and old != new:
            found.append(f"{_TOLD[field.name]}: {old} → {new}")
    sums = [_SUMS[hardware.can_saturate(f.isa, f.instruction_set)] for f in (before, here)]
    if sums[0] != sums[1]:
        found.append(f"8-bit sums: {sums[0]} → {sums[1]}")
    for name in sorted({*before.versions, *here.versions}):
        old, new = before.versions.get(name, "none"), here.versions.get(name, "none")
        if old != new:
            found.append(f"{name}: {old} → {new}")
    return tuple(found)


def _listed(word: str, names: Sequence[str]) -> str:
    return f"{word} {', '.join(names)}"


def _drop_reason(verdict: Verdict, run: RunRecord) -> str:
    if verdict.status == "beyond":
        return f"its drop of {digits(verdict.drop)} is beyond the tolerance of {digits(verdict.tolerance)}"
    return (
        f"its drop is not {run.goal.assurance} to be within the tolerance: {digits(verdict.drop)}, at most "
        f"{digits(verdict.drop_upper)} of {digits(verdict.tolerance)}"
    )


def _with_speed(finalist: Finalist, baseline: Finalist, run: RunRecord) -> Finalist:
    return replace(finalist, speedup=speedup(finalist, baseline, run.goal))
