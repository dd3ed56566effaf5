"""How a run searches: parts of it that can be left out, to see what they are worth."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from autotune.recipe.fields import Frozen

SamplerName = Literal["tpe", "random"]
Order = Literal["ladder", "search"]
CandidateWay = Literal["observe-once", "nncf"]


class Strategy(Frozen):
    """How candidates are found, made and judged. The defaults are the best that is known; the rest is for comparisons.

    ``strategy: search`` is short for ``strategy: {order: search}``.

    Attributes:
        order: ``ladder`` (what costs least first: float, int8 weights of linear layers, static int8, training; with a
            latency or a speedup asked for it ends on the first rung that gives it within the tolerance) or ``search``
            (what is fastest, whatever was asked, and no training).
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

    order: Order = "ladder"
    prior: bool = True
    neighbours: bool = True
    sampler: SamplerName = "tpe"
    early_stopping: bool = True
    candidates: CandidateWay = "observe-once"
    settle: bool = True

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: object) -> object:
        return {"order": raw} if isinstance(raw, str) else raw

    @property
    def note(self) -> str:
        """A sentence that names what differs from the default; empty if nothing does."""
        changed = [f"{key} {_said(value)}" for key, value in self.model_dump(exclude_defaults=True).items()]
        return f"The strategy is not the default: {', '.join(changed)}." if changed else ""


def _said(value: str | bool) -> str:
    return value if isinstance(value, str) else "on" if value else "off"
