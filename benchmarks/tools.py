"""Runs the tools that are compared, each as its users would, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.peers.common import RESULT, Result
from benchmarks.peers.environments import NotInstalled, python_of

ROOT = Path(__file__).resolve().parents[1]
AUTOTUNE = "autotune"
# Less is a tie.
FASTER = 1.03


@dataclass(frozen=True)
class Tool:
    """A tool and its settings.

    Attributes:
        script: module in ``benchmarks.peers``. environment: where it runs.
        tolerant: whether it is told a tolerance; one that is not runs once.
        onnx: whether it takes ONNX and works with ONNX Runtime.
    """

    name: str
    script: str
    environment: str
    variants: tuple[str, ...] = ("",)
    tolerant: bool = False
    onnx: bool = False


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("openvino-float", "openvino_float", "openvino"),
        Tool("nncf-quantize", "nncf_quantize", "openvino", ("default", "mixed", "transformer")),
        Tool("nncf-accuracy-control", "nncf_accuracy_control", "openvino", ("plain", "transformer"), tolerant=True),
        Tool("onnxruntime-float", "onnxruntime_float", "olive", onnx=True),
        Tool("neural-compressor", "neural_compressor", "neural-compressor", ("operators", "qdq"), True, onnx=True),
        Tool("olive", "olive_search", "olive", ("tpe",), tolerant=True, onnx=True),
        Tool(AUTOTUNE, "", "", tolerant=True),
    )
}


@dataclass(frozen=True)
class Call:
    """What a peer's script is called with; ``max_drop`` is relative."""

    variant: str
    max_drop: float
    task: Path
    output: Path


def run_peer(tool: Tool, call: Call, environment: Mapping[str, str], seconds: float) -> Result:
    """Run a peer's script; whatever goes wrong is the result's ``failure``."""
    output = call.output
    if tool.onnx and environment:
        return Result(failure="ONNX Runtime's own kernels cannot be restricted to an instruction set")
    if tool.onnx and json.loads(call.task.read_text())["onnx"] is None:
        return Result(failure="there is no ONNX file of this model")
    try:
        python = python_of(tool.environment)
    except NotInstalled as error:
        return Result(failure=f"does not install: {error}")
    command = [str(python), "-m", f"benchmarks.peers.{tool.script}", str(call.task), str(output)]
    command += ["--max-drop", str(call.max_drop), *(["--variant", call.variant] if call.variant else [])]
    (output / RESULT).unlink(missing_ok=True)
    code, spent = _run(command, output, environment, seconds)
    if code is None:
        return Result(seconds=spent, failure=f"not finished after {seconds:g} s")
    if not (output / RESULT).exists():
        return Result(seconds=spent, failure=f"ended with {code}: {_last_line(output)}")
    return stored(tool, output)[0]


def run_autotune(
    recipe: Path, max_drop: float, output: Path, environment: Mapping[str, str], seconds: float
) -> tuple[Result, dict[str, str]]:
    """Run ``autotune tune`` and return its result and the compile properties of the model."""
    run = output / "run"
    command = [sys.executable, "-m", "autotune", "tune", str(recipe), "--max-drop", f"{max_drop * 100:g}%"]
    command += ["--assurance", "expected", "--output", str(run), "--quiet"]
    code, spent = _run(command, output, environment, seconds)
    if code is None:
        return Result(seconds=spent, failure=f"not finished after {seconds:g} s"), {}
    if code != 0:
        return Result(seconds=spent, failure=f"ended with {code}: {_last_line(output)}"), {}
    result, properties = stored(TOOLS[AUTOTUNE], output)
    return replace(result, seconds=round(spent, 2)), properties


def stored(tool: Tool, output: Path) -> tuple[Result, dict[str, str]]:
    """Return what a tool left in its folder, and the compile properties that go with autotune's model."""
    if tool.name != AUTOTUNE:
        file = output / RESULT
        return Result(**json.loads(file.read_text())) if file.exists() else Result(failure="was not run"), {}
    run = output / "run"
    if not (run / "run.json").exists():
        return Result(failure="was not run"), {}
    told = json.loads((run / "run.json").read_text())
    record = json.loads((run / "record.json").read_text())
    splits = told["splits"]
    measured = [t["measurement"]["samples"] for t in record["trials"] if t.get("measurement")]
    # One observation, the trials (the baseline is the first), and the finalists on the holdout.
    inferences = splits["calibration"] + sum(measured) + splits["holdout"] * len(told["finalists"])
    properties = json.loads((run / "model" / "deploy.json").read_text())["CPU"]
    result = Result(
        model=str(run / "model" / "openvino_model.xml"),
        seconds=told["wall_seconds"],
        inferences=inferences,
        evaluations=len(measured),
        did=told["winner"]["label"],
        note=f"its own verdict: {told['verdict']['status']}",
        versions={"autotune": told["fingerprint"]["versions"].get("autotune", "source")},
        first_seconds=first_faster(told["anytime"]),
        overhead=overhead(told["seconds"]),
    )
    return result, properties


def first_faster(anytime: Sequence[Mapping[str, float]]) -> float | None:
    """Return when something faster than float f32, by more than a tie, was in hand; None if nothing ever was.

    Args:
        anytime: of ``run.json``; it begins with float f32 itself, whose speed against itself is 1 but for noise.
    """
    return next((point["seconds"] for point in anytime if point["speedup"] > FASTER), None)


def overhead(seconds: Mapping[str, float]) -> float:
    """Return the share of observing, placing, building and asking in ``run.json``'s seconds.

    The rest of the search's time, that no phase holds, counts as overhead too.
    """
    working = sum(seconds[name] for name in ("inference", "compile", "score", "latency"))
    ours = seconds["observe"] + seconds["build"]
    ours += max(0.0, seconds["search"] - ours - working)
    return ours / (ours + working)


def _run(command: list[str], output: Path, environment: Mapping[str, str], seconds: float) -> tuple[int | None, float]:
    """Run a command, its words into ``log.txt``; None instead of its exit code when it was stopped."""
    output.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    variables = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
    with (output / "log.txt").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log, start_new_session=True)
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:  # too long, or Ctrl-C: it ends with all that it started
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return code, round(time.perf_counter() - started, 2)


def _last_line(output: Path) -> str:
    lines = [line for line in (output / "log.txt").read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "nothing was said"
