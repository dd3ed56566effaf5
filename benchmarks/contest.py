"""autotune against each peer, and against the best of them all, from the rows of the comparison. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy.stats import gmean

from benchmarks.table import Row, kept, present, tool_name

AUTOTUNE = "autotune"
# A peer that is faster by more than this is a loss.
LOSS = 1.03


@dataclass(frozen=True)
class Match:
    """autotune and the fastest peer within the tolerance, on one model; speeds are ratios to float f32."""

    model: str
    ours: float
    best: float
    peer: str

    @property
    def ratio(self) -> float:
        """Above 1 where autotune is faster."""
        return self.ours / self.best


def matches(rows: Sequence[Row], tolerance: float) -> list[Match]:
    """Return a match for every model that autotune was run on, in the order of the rows.

    Float f32 is a peer as well, so there always is one; what is beyond the tolerance counts as float f32.
    """
    found = []
    for own in _ours(rows, tolerance):
        peers = [row for row in _peers(rows, tolerance) if row["model"] == own["model"] and _together(row, own)]
        best = max((row for row in peers if kept(row, tolerance)), key=lambda row: row["speed"], default=None)
        speed, name = (1.0, "float f32") if best is None or best["speed"] < 1 else (best["speed"], tool_name(best))
        found.append(Match(own["model"], _speed(own, tolerance), speed, name))
    return found


def against_each(rows: Sequence[Row], tolerance: float) -> dict[str, tuple[int, float]]:
    """Return for each peer the models both were run on, and the geometric mean of autotune's speed over the peer's."""
    ours = {row["model"]: row for row in _ours(rows, tolerance)}
    ratios: dict[str, dict[str, float]] = {}
    for row in _peers(rows, tolerance):
        own = ours.get(row["model"])
        if own is not None and _together(row, own):
            ratios.setdefault(tool_name(row), {})[row["model"]] = _speed(own, tolerance) / _speed(row, tolerance)
    return {name: (len(by_model), float(gmean(list(by_model.values())))) for name, by_model in ratios.items()}


def left_out(rows: Sequence[Row], tolerance: float) -> dict[str, list[str]]:
    """Return for each peer the models on which its speed is not of the rounds that autotune's is of."""
    ours = {row["model"]: row for row in _ours(rows, tolerance)}
    found: dict[str, list[str]] = {}
    for row in _peers(rows, tolerance):
        own = ours.get(row["model"])
        if own is not None and not _together(row, own):
            found.setdefault(tool_name(row), []).append(row["model"])
    return {name: list(dict.fromkeys(models)) for name, models in found.items()}


def markdown(rows: Sequence[Row], tolerance: float) -> str:
    """Return both as text; empty where autotune was not run at this tolerance."""
    met = matches(rows, tolerance)
    if not met:
        return ""
    lines = [f"#### autotune against its peers at {tolerance * 100:g} %", ""]
    lines += ["| peer | models | autotune's speed over it, geometric mean |", "|---|---|---|"]
    lines += [f"| {name} | {count} | {mean:.2f} |" for name, (count, mean) in against_each(rows, tolerance).items()]
    mean = float(gmean([match.ratio for match in met]))
    missing = "; ".join(f"{name} ({', '.join(models)})" for name, models in left_out(rows, tolerance).items())
    lines += [f"| the best within the tolerance of them all | {len(met)} | {mean:.2f} |", ""]
    lines += [
        "Speeds by OpenVINO are compared only where both models ran in the same interleaved rounds; a peer whose model "
        f"was not in autotune's rounds is left out of the contest on that model. Left out here: {missing or 'none'}.",
        "",
    ]
    lines += ["| model | autotune | best peer within the tolerance | | ratio |", "|---|---|---|---|---|"]
    for match in met:
        sign = " **loss**" if match.ratio < 1 / LOSS else ""
        lines.append(
            f"| {match.model} | {match.ours:.2f} | {match.best:.2f} | {match.peer} | {match.ratio:.2f}{sign} |"
        )
    return "\n".join(lines) + "\n"


def course(rows: Sequence[Row], tolerance: float) -> str:
    """Return how each run of autotune went beside one ``nncf.quantize`` of the same model; empty where none is told."""
    lines = []
    for own in _ours(rows, tolerance):
        if not present(own.get("overhead")):
            continue
        one = [r["seconds"] for r in rows if r["model"] == own["model"] and r["tool"] == "nncf-quantize"]
        quantize = f"{min(s for s in one if present(s)):.0f}" if any(present(s) for s in one) else ""
        first = f"{own['first_seconds']:.0f}" if present(own["first_seconds"]) else "never"
        lines.append(
            f"| {own['model']} | {own['seconds']:.0f} | {first} | {quantize} | {own['evaluations']:.0f} "
            f"| {60 * own['evaluations'] / own['seconds']:.0f} | {100 * own['overhead']:.0f} % |"
        )
    if not lines:
        return ""
    head = (
        "| model | wall s | first faster than float f32 in hand, s | one nncf.quantize, s | candidates | per minute "
        "| neither inference, compilation nor timing |"
    )
    rule = "|" + "---|" * (head.count("|") - 1)
    return "\n".join([f"#### autotune's runs at {tolerance * 100:g} %", "", head, rule, *lines]) + "\n"


def _ours(rows: Iterable[Row], tolerance: float) -> list[Row]:
    return [row for row in rows if row["tool"] == AUTOTUNE and row["max_drop"] == tolerance]


def _peers(rows: Iterable[Row], tolerance: float) -> list[Row]:
    others = [row for row in rows if row["tool"] not in (AUTOTUNE, "preparation")]
    return [row for row in others if not present(row["max_drop"]) or row["max_drop"] == tolerance]


def _together(peer: Row, own: Row) -> bool:
    """Tell whether two speeds may be compared: of the same rounds, or one failed, or runs where no rounds are."""
    if present(peer["failure"]) or present(own["failure"]):
        return True
    if peer["runtime"] != "openvino" and not present(peer.get("raced")):
        return True
    one, other = (row["raced"] if present(row.get("raced")) else "" for row in (peer, own))
    return bool(one == other)


def _speed(row: Row, tolerance: float) -> float:
    return float(row["speed"]) if kept(row, tolerance) else 1.0
