"""study.db in optuna-dashboard, as a user starts it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_driver import explored, mse, search_in, step

from autotune.search.study import StoredStudy

TRIALS = 12

pytestmark = pytest.mark.skipif(
    find_spec("optuna_dashboard") is None,
    reason="optuna-dashboard is not installed: pip install 'autotune[dashboard]'",
)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Start it on a finished study; what it answers at a path."""
    folder = tmp_path_factory.mktemp("study")
    search = search_in(folder)
    for _ in range(TRIALS):
        step(search)
    StoredStudy(folder / "study.db", "tpe", 0).remember(mse(), explored({"conv1": 0.1}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("optuna-dashboard")
    command = [program, "sqlite:///study.db", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)

    def answer(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
            text: str = response.read().decode()
        return text

    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                answer("/api/studies")
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.2)
        yield answer
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_the_study_is_listed_with_its_objectives(read: Callable[[str], str]) -> None:
    (study,) = json.loads(read("/api/studies"))["study_summaries"]
    assert (study["study_name"], study["directions"]) == ("autotune", ["minimize", "minimize"])
    assert "<title>Optuna Dashboard</title>" in read("/dashboard")


def test_its_trials_have_parameters_and_both_values(read: Callable[[str], str]) -> None:
    (study,) = json.loads(read("/api/studies"))["study_summaries"]
    detail = json.loads(read(f"/api/studies/{study['study_id']}"))
    assert detail["objective_names"] == ["latency ratio", "drop"]
    assert len(detail["trials"]) == TRIALS
    first = detail["trials"][0]
    assert first["state"] == "Complete"
    assert first["values"] == [1.0, 0.0]
    assert any(p["name"] for p in first["params"])
