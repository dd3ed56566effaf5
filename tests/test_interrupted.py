from __future__ import annotations

import signal
from pathlib import Path

import pytest
import typer

from autotune.exits import EXIT_INTERRUPTED, Errors


@pytest.mark.parametrize(("file", "said"), [(None, False), ("missing", False), ("there", True)])
def test_an_interrupt_says_resume_only_where_a_run_was_begun(
    file: str | None, said: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").touch()
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(typer.Exit) as ended, Errors(debug=False) as errors:
            errors.begun = None if file is None else tmp_path / file
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.exit_code == EXIT_INTERRUPTED
    assert ("--resume" in capsys.readouterr().err) == said
