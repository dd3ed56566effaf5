"""The view behind the table and the map of the winner's operators. Pure functions of a run."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autotune.configuration import Configuration
from autotune.findings import FrameFindings, OperatorFinding
from autotune.record import OperatorRun
from autotune.report import words
from autotune.report.lookup import Lookup
from autotune.report.page import OperatorGroup, OperatorRow, Operators

# Nodes that OpenVINO puts between others.
_CHANGES = ("Reorder", "Convert", "Transpose", "Permute")
_NO_COSTS = (
    "What int8 costs each operator of this configuration was not looked at in this run: the search does so only where "
    "int8 as a whole is fast but beyond the tolerance."
)


def operators(found: Lookup) -> Operators:
    """The winner's operators as they ran, slowest first, beside the time that each took in float f32."""
    measured = found.measurement(found.run.winner) if found.winner is not None else None
    ran = measured.operators if measured is not None else ()
    if not ran or found.winner is None:
        return Operators(
            (),
            (),
            words.MISSING,
            words.MISSING,
            "No operator profile was recorded.",
            "",
            costed=False,
            returned=False,
            gained=False,
        )
    baseline = found.baseline.measurement.operators if found.baseline and found.baseline.measurement else ()
    before: defaultdict[str, float] = defaultdict(float)
    for op in baseline:
        before[op.name] += op.microseconds
    total = sum(op.microseconds for op in ran)
    known = _Known.of(found.winner.configuration, found.run.frames, found.run.model.operators)
    rows = (_operator_row(op, total, before.get(op.name), known) for op in ran)
    whole = sum(op.microseconds for op in baseline)
    return Operators(
        rows=tuple(sorted(rows, key=lambda r: -r.microseconds_value)),
        groups=_groups(ran, total),
        total=f"{words.microseconds(total)} µs",
        baseline_total=f"{words.microseconds(whole)} µs" if baseline else words.MISSING,
        note=_gone(ran, baseline),
        costs_note=known.note,
        returned=any(f.taken_back is not None for f in known.findings.values()),
        costed=any(f.cost is not None for f in known.findings.values()),
        gained=bool(known.findings),
    )


def _gone(ran: Iterable[OperatorRun], baseline: Iterable[OperatorRun]) -> str:
    names = {op.name for op in ran}
    gone = [op for op in baseline if op.name not in names]
    if not gone:
        return ""
    return (
        f"{words.count(len(gone), 'further operator')} of float f32 "
        f"({words.microseconds(sum(op.microseconds for op in gone))} µs) ran inside others or not at all here."
    )


@dataclass(frozen=True)
class _Known:
    """What tells why an operator ran as it did.

    Attributes:
        findings: by operator, of the frame nearest to the winner.
        placed: the operators that the winner's placement quantises; None where that was not recorded.
        quantisable: those that some placement quantises.
    """

    winner: Configuration
    findings: Mapping[str, OperatorFinding]
    placed: frozenset[str] | None
    quantisable: Mapping[str, str]
    note: str

    @classmethod
    def of(cls, winner: Configuration, frames: Iterable[FrameFindings], quantisable: Mapping[str, str]) -> _Known:
        alike = [f for f in frames if _same_operators(f.frame, winner)]
        placed = frozenset(alike[0].placed) if alike else None
        costed = [f for f in alike if any(o.cost is not None for o in f.operators)]
        chosen = (costed or alike)[:1]
        findings = {name: o for f in chosen for o in f.operators for name in o.operators}
        note = _NO_COSTS
        if chosen:
            note = (
                f"Int8 gains: what int8 saves an operator, by profile of {chosen[0].frame.label}. "
                "What it costs in accuracy was not looked at, as all of it in int8 was within the tolerance."
            )
        if costed:
            note = (
                "Accuracy cost: squared error of the outputs when this operator alone is int8, as a share of their "
                "variance, by emulation. Float takes back: by how much that of everything int8 shrinks when only this "
                "operator is float. Int8 gains: what it saves, by profile. All are of "
                f"{costed[0].frame.label}; operators that were looked at together share one value."
            )
        return cls(winner, findings, placed, quantisable, note)

    def why(self, op: OperatorRun) -> str:
        """Why it stayed float, as far as the record tells; empty where it did not."""
        if op.scheme != "float":
            return ""
        if op.type in _CHANGES:
            return "moves or converts data between others"
        if "/fq_" in op.name:
            return "turns floats into int8 for what follows"
        return self._left_float(op)

    def _left_float(self, op: OperatorRun) -> str:
        q = self.winner.quantization
        if q is None:
            return (
                "" if self.winner.is_float else f"only weights of linear layers are int8 here, and {op.type} is not one"
            )
        if op.name in q.float_operators:
            return self._kept(op.name)
        if self.placed is not None and op.name in self.placed:
            return "quantised, but OpenVINO has no int8 kernel for it in this place"
        if op.name in self.quantisable and self.placed is None:
            return "left float by this placement, or OpenVINO has no int8 kernel for it here"
        if op.name in self.quantisable:
            return f"NNCF's {q.placement} placement leaves it float here"
        return f"NNCF does not quantise {op.type}"

    def _kept(self, name: str) -> str:
        finding = self.findings.get(name)
        if finding is None:
            return "kept float by the configuration"
        if finding.gain <= 0:
            return f"kept float: int8 would be {words.microseconds(-finding.gain)} µs slower"
        if finding.cost is None:
            return f"kept float: int8 would save {words.microseconds(finding.gain)} µs"
        return f"kept float: int8 would save {words.microseconds(finding.gain)} µs at a cost of {_cost(finding.cost)}"


def _same_operators(frame: Configuration, winner: Configuration) -> bool:
    """Tell whether both quantise the same graph by the same placement."""
    if frame.quantization is None or winner.quantization is None:
        return False
    return (frame.forms, frame.quantization.placement) == (winner.forms, winner.quantization.placement)


def _cost(value: float | None) -> str:
    if value is None:
        return words.MISSING
    return words.share(value) if math.isfinite(value) else "outputs not finite"


def _operator_row(op: OperatorRun, total: float, baseline: float | None, known: _Known) -> OperatorRow:
    share = op.microseconds / total if total else 0.0
    faster = baseline / op.microseconds if baseline is not None and op.microseconds else None
    finding = known.findings.get(op.name)
    return OperatorRow(
        name=op.name,
        type=op.type,
        scheme=op.scheme,
        kernel=op.kernel,
        precision=op.precision,
        microseconds=words.microseconds(op.microseconds),
        microseconds_value=op.microseconds,
        share=share,
        share_text=words.percent(share),
        baseline=words.microseconds(baseline),
        baseline_value=baseline,
        speedup=words.ratio(faster),
        speedup_value=faster,
        cost=_cost(finding.cost if finding else None),
        cost_value=finding.cost if finding and finding.cost is not None and math.isfinite(finding.cost) else None,
        back=_cost(finding.taken_back if finding else None),
        back_value=finding.taken_back if finding else None,
        gain=words.microseconds(finding.gain if finding else None),
        gain_value=finding.gain if finding else None,
        why=known.why(op),
    )


def _groups(ran: Iterable[OperatorRun], total: float) -> tuple[OperatorGroup, ...]:
    grouped: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for op in ran:
        grouped[op.scheme, op.precision].append(op.microseconds)
    ordered = sorted(grouped.items(), key=lambda item: -sum(item[1]))
    return tuple(
        OperatorGroup(
            scheme=scheme,
            precision=precision,
            count=words.count(len(times), "operator"),
            share=sum(times) / total if total else 0.0,
            share_text=words.percent(sum(times) / total if total else 0.0),
        )
        for (scheme, precision), times in ordered
    )
