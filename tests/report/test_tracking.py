"""A finished run in MLflow, with its store of files."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from report_runs import EVIL, INT8_WINS, INTERRUPTED, OUTCOMES
from typer.testing import CliRunner

from autotune.cli import app
from autotune.outcome import RunRecord
from autotune.report.tracked import tracked
from autotune.report.write import save_record, write_reports


def figures(run: RunRecord) -> dict[str, float]:
    return {p.metric: p.value for p in tracked(run, 1_790_000_080.0).points if not p.metric.startswith("trial_")}


def test_what_is_kept_of_a_run() -> None:
    kept = tracked(INT8_WINS, 1_790_000_080.0)
    assert kept.parameters["model"] == "standard_v3_3"
    assert kept.parameters["winner.estimator"] == "mse"
    assert kept.parameters["winner.float_operators"] == "2"
    assert kept.parameters["version.openvino"] == "2026.4.1"
    assert "max_latency_ms" not in kept.parameters
    assert kept.tags["autotune.verdict"] == "expected"
    found = figures(INT8_WINS)
    assert (found["speedup"], found["drop"], found["size_bytes"], found["wall_seconds"]) == (3.5, 0.0022, 812_345, 80.0)
    speeds = [(p.step, p.value, p.at) for p in kept.points if p.metric == "trial_speedup_within_tolerance"]
    assert speeds[1:] == [(3, 1 / 0.32, 1_790_000_003.0), (4, pytest.approx(1 / 0.284), 1_790_000_004.0)]


@pytest.mark.parametrize("run", OUTCOMES.values(), ids=OUTCOMES)
def test_nothing_that_is_not_a_number_is_kept(run: RunRecord) -> None:
    assert all(math.isfinite(value) for value in figures(run).values())
    assert ("speedup" in figures(run)) == bool(run.finalists)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "deploy.json").write_text("{}")
    (folder / "study.db").write_text("")
    save_record(INT8_WINS, folder / "record.json")
    write_reports(INT8_WINS, folder)
    return folder


def test_a_run_is_logged_with_its_files(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'autotune[mlflow]'")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # newer versions want to be asked
    uri = (tmp_path / "mlruns").as_uri()
    result = CliRunner().invoke(app, ["report", str(folder), "--mlflow", uri])
    assert result.exit_code == 0, result.output
    assert "MLflow run " in result.stderr
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("autotune")
    (logged,) = client.search_runs([experiment.experiment_id])
    assert logged.info.run_id in result.stderr
    assert (logged.info.status, logged.info.run_name) == ("FINISHED", "file-type")
    assert logged.info.end_time - logged.info.start_time == 80_000
    assert logged.data.metrics["speedup"] == 3.5
    assert logged.data.params["max_drop"] == "1%"
    assert logged.data.tags["mlflow.note.content"] == INT8_WINS.sentence
    assert [m.step for m in client.get_metric_history(logged.info.run_id, "trial_speedup")] == [0, 1, 2, 3, 4]
    files = {f.path for f in client.list_artifacts(logged.info.run_id)}
    assert files == {
        "latency.csv", "model", "pareto.csv", "record.json", "report.html", "run.json", "sensitivity.csv", "trials.csv",
    }  # fmt: skip
    assert [f.path for f in client.list_artifacts(logged.info.run_id, "model")] == ["model/deploy.json"]


def test_odd_names_and_an_interrupted_run_are_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'autotune[mlflow]'")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "ours")
    from autotune.tracking import Tracker

    uri = (tmp_path / "mlruns").as_uri()
    odd = replace(INTERRUPTED, name=EVIL, data="x" * 3000)
    number = Tracker(uri).log(odd, tmp_path).split()[-1]
    logged = mlflow.MlflowClient(tracking_uri=uri).get_run(number)
    assert (logged.info.status, logged.info.run_name) == ("KILLED", EVIL)


def test_without_mlflow_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    for arguments in (["report", str(folder)], ["tune", "recipes/digits.yaml"]):
        result = CliRunner().invoke(app, [*arguments, "--mlflow", "sqlite:///x.db"])
        assert result.exit_code == 2
        assert result.stderr == "Error: --mlflow needs MLflow; install it with: pip install 'autotune[mlflow]'.\n"


def test_a_server_that_does_not_answer_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'autotune[mlflow]'")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    result = CliRunner().invoke(app, ["report", str(folder), "--mlflow", "http://127.0.0.1:9"])
    assert result.exit_code == 2
    assert "--mlflow http://127.0.0.1:9: MLflow says: " in result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("Error")]) == 1
