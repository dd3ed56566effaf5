"""How a run searches: parts of it that can be left out, to see what they are worth."""

from __future__ import annotations

from typing import Literal

from autotune.recipe.fields import Frozen

SamplerName = Literal["tpe", "random"]
CandidateWay = Literal["observe-once", "nncf"]


class Strategy(Frozen):
    """How candidates are found, made and judged. The defaults are the best that is known; the rest is for comparisons.

    Attributes:
        prior: look at the operators of promising int8 models (time, sensitivity) and propose which to keep float. Off:
            nothing is looked at, nothing proposed.
        neighbours: vary the best so far, one choice at a time. Off: no such proposals.
        sampler: who proposes the rest: ``tpe`` (Optuna's multi-objective TPE, which learns from the trials) or
            ``random`` (uniformly).
        early_stopping: give a candidate up when it is beyond the tolerance with near certainty, and do not score one
            that is slower than something within the tolerance. Off: every candidate is timed and scored in full.
        candidates: ``observe-once`` (ranges from one pass over the calibration split) or ``nncf`` (each candidate by a
            call of ``nncf.quantize`` with the whole calibration split, as people do without autotune).
        settle: end the search when no improvement is expected any more. Off: it goes on until trials or time run out.
    """

    prior: bool = True
    neighbours: bool = True
    sampler: SamplerName = "tpe"
    early_stopping: bool = True
    candidates: CandidateWay = "observe-once"
    settle: bool = True

    @property
    def note(self) -> str:
        """A sentence that names what differs from the default; empty if nothing does."""
        changed = [f"{key} {_said(value)}" for key, value in self.model_dump(exclude_defaults=True).items()]
        return f"The strategy is not the default: {', '.join(changed)}." if changed else ""


def _said(value: str | bool) -> str:
    return value if isinstance(value, str) else "on" if value else "off"
