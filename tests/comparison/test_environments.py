"""The environments of the peers: made once, and enough for what runs there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_HOLDS = """
import sys, time
from pathlib import Path
from benchmarks.peers.environments import _alone
folder = Path(sys.argv[1])
with _alone(folder):
    if folder.exists():
        print("there already")
    else:
        time.sleep(1.0)
        folder.mkdir()
        print("made")
"""


def test_who_comes_second_waits_and_finds_it_made(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLDS, str(tmp_path / "environments" / "peer")]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate(timeout=60)[0].strip() for process in both) == ["made", "there already"]


def test_the_lock_of_a_process_that_died_is_free(tmp_path: Path) -> None:
    folder = tmp_path / "environments" / "peer"
    died = subprocess.run(
        [sys.executable, "-c", _HOLDS.replace("time.sleep(1.0)", "import os; os._exit(9)"), str(folder)],
        cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert died.returncode == 9
    again = subprocess.check_output([sys.executable, "-c", _HOLDS, str(folder)], cwd=ROOT, text=True, timeout=60)
    assert again.strip() == "made"


def test_a_peers_script_needs_only_what_its_environment_has() -> None:
    """None of autotune's other dependencies is installed there."""
    names = ("pydantic", "typer", "rich", "yaml", "optuna", "pandas", "nncf")
    absent = f"import sys; sys.modules |= dict.fromkeys({names!r})"
    code = f"{absent}; import benchmarks.peers.common, benchmarks.runtimes"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
