"""What the page of other seeds counts."""

from __future__ import annotations

from typing import Any

from benchmarks.seeds import document, winner_class

INT8 = {"placement": "transformer"}


def row(model: str, seed: int, kind: str, failure: str | None = None) -> dict[str, Any]:
    return {
        "model": model, "isa": "native", "seed": seed, "failure": failure, "winner_class": kind, "winner": f"a {kind}",
        "status": "proven", "speed": 2.0 + seed,
    }  # fmt: skip


def test_a_class_has_no_details() -> None:
    plain = {"precision": "f32", "bf16_operators": [], "quantization": None, "compression": None}
    assert winner_class(plain) == "float f32"
    assert winner_class({**plain, "precision": "bf16", "quantization": INT8}) == "int8 transformer, rest bf16"
    assert winner_class({**plain, "bf16_operators": ["a"], "quantization": INT8}) == (
        "int8 transformer, rest bf16 by operator"
    )
    dynamic = {**plain, "compression": {"dynamic_group": 128}}
    assert winner_class(dynamic) == "int8-dynamic, rest f32"
    assert winner_class({**dynamic, "quantization": INT8}) == "int8 transformer and int8-dynamic, rest f32"
    assert winner_class({**plain, "compression": {"dynamic_group": 0}}) == "int8-weights, rest f32"


def test_runs_of_the_majority_are_counted() -> None:
    rows = [row("a", 0, "x"), row("a", 1, "x"), row("a", 2, "y"), row("b", 0, "x"), row("c", 0, "x", "broke")]
    page = document(rows)
    assert "**2 of 3** runs" in page  # of one seed only nothing can be said
    assert "| a | native | 2 of 3 | x | 2.00, 3.00, 4.00 |" in page
    assert "| c | native | 0 | broke | | |" in page
