"""What a run shows in a terminal of 80 columns, and elsewhere."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from report_runs import INT8_WINS, TRIALS

from autotune import chatter, recipe
from autotune.configuration import ActivationChoice, Estimator, FormChoice
from autotune.console import Console
from autotune.progress import clock

LONG = "Overflow fix first-layer and all left out: 8-bit sums cannot saturate on this CPU, as its instructions are new."


def shown(console: Console) -> None:
    """A short run."""
    with console:
        console.header(recipe.load(Path("recipe:digits")), Path("run"))
        console.stage("data")
        console.note(LONG)
        console.stage("search")
        console.trial(TRIALS[0], None, 1, 100)
        console.stage("observe")
        console.stage("search")
        for done in range(2, 100):
            console.trial(TRIALS[4], TRIALS[4], done, 100)
            time.sleep(0.002)
        console.stage("finalists")
    console.result(INT8_WINS, Path("run"))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.usefixtures("terminal")
def test_everything_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Console(quiet=False, to_stderr=False))
    out = capsys.readouterr().out
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out))
    assert max(map(len, lines)) <= 80
    assert any(re.search(r"99/100 best int8 3\.52x, drop \+0\.0012 +\d+/min +<\d+:\d\d left", line) for line in lines)
    assert "\x1b[33m" in out  # notes are yellow
    assert out.rindex("\x1b[?25h") > out.rindex("\x1b[?25l")  # the cursor is back


@pytest.mark.parametrize("columns", ["80", "200"])
def test_the_closing_table_fits_80_columns_with_long_names(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words that are longer than a column are broken, figures are not; brackets are no markup."""
    monkeypatch.setenv("COLUMNS", columns)
    first, *rest = INT8_WINS.finalists
    estimator = Estimator("percentile", 0.9999)
    long = replace(first.configuration, forms=(FormChoice("equalisation[bold]" + "-long" * 12, ("a",)),))  # type: ignore[arg-type]
    quantization = replace(long.quantization, activation=ActivationChoice(estimator))
    long = replace(long, quantization=quantization, precision="f32")
    verdict = replace(first.verdict, drop=-0.00012345, drop_upper=123456.789)
    run = replace(INT8_WINS, finalists=(replace(first, configuration=long, verdict=verdict), *rest))
    console = Console(quiet=False, to_stderr=False)
    console.result(replace(run, sentence="Done."), Path("run"))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert "[bold]" + "-long" * 12 in "".join(map(str.strip, out.splitlines()))


@pytest.mark.usefixtures("terminal")
def test_no_color(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown(Console(quiet=False, to_stderr=False))
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", capsys.readouterr().out)


@pytest.mark.usefixtures("terminal")
def test_the_cursor_comes_back_after_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(quiet=False, to_stderr=False)
    with pytest.raises(KeyboardInterrupt), console:
        console.stage("search")
        raise KeyboardInterrupt
    out = capsys.readouterr().out
    assert out.rindex("\x1b[?25h") > out.rindex("\x1b[?25l")


@pytest.mark.usefixtures("terminal")
def test_verbose_prints_trials_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Console(quiet=False, to_stderr=False, verbose=True))
    assert "[99/100] trial 4: 3.52x, drop +0.0012" in capsys.readouterr().out


def test_plain_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Console(quiet=False, to_stderr=False))
    out = capsys.readouterr().out
    assert "\x1b" not in out and "━" not in out and "\r" not in out
    assert f"  {LONG}\n" in out
    assert "  [99/100] trial 4: 3.52x, drop +0.0012: int8" in out


def test_quiet_is_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Console(quiet=True, to_stderr=False))
    assert capsys.readouterr().out == f"{INT8_WINS.sentence}\n"


def test_nothing_on_stdout_that_is_somebody_elses(capsys: pytest.CaptureFixture[str]) -> None:
    shown(Console(quiet=False, to_stderr=True))
    captured = capsys.readouterr()
    assert captured.out == "" and INT8_WINS.sentence in captured.err


def test_clock() -> None:
    assert [clock(seconds) for seconds in (0.2, 61, 3599.5, 3725)] == ["0:01", "1:02", "1:00:00", "1:02:06"]


def test_chatter_goes_to_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    with chatter.caught():
        sys.stderr.write("PyTorch was not found.\n")
    chatter.add("converted\n")
    chatter.write_to(tmp_path / "run.log")
    chatter.write_to(tmp_path / "run.log")
    assert (tmp_path / "run.log").read_text().endswith("PyTorch was not found.\nconverted\n")
    assert capsys.readouterr().err == ""
