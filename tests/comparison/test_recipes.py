from benchmarks.recipes import document


def test_a_line_per_recipe_and_why_one_has_none() -> None:
    good = {
        "recipe": "digits",
        "failure": None,
        "winner": "float f32",
        "speedup": 1.2,
        "speedup_low": 1.1,
        "speedup_high": 1.3,
        "speedup_best_float": 1.0,
        "drop": 0.0,
        "drop_upper": 0.004,
        "tolerance": 0.0098,
        "verdict": "proven",
        "rung": float("nan"),
        "wall_seconds": 20.4,
    }
    lines = document([good, {"recipe": "other", "failure": "exit code 2"}]).splitlines()
    assert (
        "| digits | float f32 | 1.20 (1.10 to 1.30) | 1.00 | +0.0000 (at most +0.0040 of 0.0098) | proven |  | 20 |"
        in lines
    )
    assert "| other | exit code 2 | | | | | | |" in lines
