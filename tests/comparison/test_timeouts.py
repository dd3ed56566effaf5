from benchmarks.timeouts import document


def test_a_line_per_run_and_why_one_has_none() -> None:
    good = {"model": "digits", "limit": 60.0, "failure": None, "wall_seconds": 61.2, "over": 0.02, "trials": 30}
    lines = document([good, {"model": "other", "limit": 30.0, "failure": "exit code 2"}]).splitlines()
    assert "| digits | 60 | 61.2 | +2.0% | 30 |" in lines
    assert "| other | 30 | exit code 2 | | |" in lines
