"""The common judge: what a model loses on the holdout and how fast it is, whoever made it.

The reference is the float model in f32, the splits are those of an autotune run, metric and bound are autotune's own.
Nobody who made a model has seen the holdout; autotune judges its finalists on it, once each, and its own bounds are
corrected for that. Here every model is judged alone.

    python -m benchmarks.judge TASK.json MODEL.xml [MODEL.xml ...]

judges OpenVINO models by hand; TASK.json is what ``benchmarks.compare`` leaves in its work folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from autotune import decide, stats
from autotune.measure.compiled import deploy_properties
from autotune.tasks.metrics import METRICS
from benchmarks.peers.common import Task, read_split
from benchmarks.race import Entries, Entry
from benchmarks.runtimes import Request

ROOT = Path(__file__).resolve().parents[1]
CONFIDENCE = 0.95
TIMEOUT = 900
FLOATS = ("f32", "bf16", "f16")
DEFAULT = "default"
HINT = "INFERENCE_PRECISION_HINT"


@dataclass(frozen=True)
class Subject:
    """A model to judge: its file, runtime, interpreter, and OpenVINO's compile properties."""

    model: str
    runtime: str
    properties: Mapping[str, str]
    python: str = sys.executable


class JudgeFailed(RuntimeError):
    """The model cannot be run here; the message says why."""


def properties(precision: str, threads: int) -> dict[str, str]:
    """Return compile properties as autotune deploys; with ``default`` OpenVINO chooses the precision."""
    chosen = deploy_properties("f32" if precision == DEFAULT else precision, threads)
    return {key: value for key, value in chosen.items() if precision != DEFAULT or key != HINT}


class Judge:
    """Judges models of one task; what it knows of the float models is computed once.

    Args:
        environment: of every process that runs a model; it holds the instruction set.
        seconds: for each series of timed pairs.
    """

    def __init__(self, task: Task, holdout: Path, folder: Path, environment: Mapping[str, str], seconds: float) -> None:
        self._task = task
        self._holdout_file = holdout
        self._folder = folder
        self._environment = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
        self._seconds = seconds
        self._metric = METRICS[task.metric](task.output)
        judged_on = read_split(holdout, "holdout")
        self._labels, self._clusters = judged_on.labels, stats.Clusters.of(judged_on.groups)
        folder.mkdir(parents=True, exist_ok=True)

    @cached_property
    def default_precision(self) -> str:
        """What OpenVINO computes floats in here when nothing is said."""
        _, answer = self._run(self._float(DEFAULT), 0.0)
        return str(answer["precision"])

    def judge(self, subject: Subject, max_drop: float) -> dict[str, Any]:
        """Return the measured columns of a row.

        Args:
            max_drop: relative; decides the verdict, and which float model is the best in tolerance.

        Raises:
            JudgeFailed: the model does not load, run or end in time.
        """
        best = self._best_float(max_drop)
        outputs, answer = self._run(subject, self._seconds, None if best == "f32" else best)
        found = self._verdict(outputs, max_drop)
        if subject.model == self._task.model and subject.properties.get(HINT) == "f32":
            found |= {"status": "proven", "drop": 0.0, "drop_upper": 0.0}  # the reference loses nothing against itself
        return {**found, **_speeds(answer), "best_float": best}

    def race(self, subjects: Sequence[tuple[Subject, float]]) -> list[dict[str, Any]]:
        """Time models in common rounds; return the columns of a row that say how fast each is.

        Args:
            subjects: each with the relative drop that decides which float model is the best in tolerance for it. Those
                of ONNX Runtime have one interpreter, where all are run.

        Raises:
            JudgeFailed: one of them does not load, run or end in time.
        """
        best = [self._best_float(max_drop) for _, max_drop in subjects]
        floats = list(dict.fromkeys(["f32", *best]))
        entries = (
            *(Entry(f.model, dict(f.properties)) for f in map(self._float, floats)),
            *(
                Entry(s.model, dict(s.properties), floats.index(b), s.runtime)
                for (s, _), b in zip(subjects, best, strict=True)
            ),
        )
        seconds = self._seconds * len(entries)
        request = Entries(entries, self._task.threads, str(self._holdout_file), seconds, CONFIDENCE)
        python = next((s.python for s, _ in subjects if s.runtime == "onnxruntime"), sys.executable)
        told = self._answer("benchmarks.race", asdict(request), python)
        rows = []
        for i, precision in enumerate(best, len(floats)):
            facts = {key: told[key][i] for key in ("speed", "speed_best_float", "milliseconds")}
            rows.append({**_speeds({**facts, "float_milliseconds": told["milliseconds"][0]}), "best_float": precision})
        return rows

    @property
    def threads(self) -> int:
        return self._task.threads

    @property
    def float_precisions(self) -> list[str]:
        """The float precisions that OpenVINO really computes this model in here."""
        return list(self._floats)

    def _float(self, precision: str) -> Subject:
        return Subject(self._task.model, "openvino", properties(precision, self._task.threads))

    @cached_property
    def _reference(self) -> tuple[list[np.ndarray], tuple[str, ...]]:
        outputs, answer = self._run(self._float("f32"), 0.0)
        return outputs, tuple(answer["outputs"])

    @cached_property
    def _floats(self) -> dict[str, tuple[float, float, float]]:
        """By precision that is really computed in: drop, tolerance per unit of max_drop, speed against f32."""
        found = {"f32": (0.0, abs(self._value(self._reference[0])), 1.0)}
        for precision in FLOATS[1:]:
            outputs, answer = self._run(self._float(precision), self._seconds)
            if answer["precision"] == precision:
                drop = self._verdict(outputs, 1.0)
                found[precision] = (drop["drop"], abs(drop["float_score"]), answer["speed"]["estimate"])
        return found

    def _best_float(self, max_drop: float) -> str:
        within = {p: speed for p, (drop, unit, speed) in self._floats.items() if drop <= max_drop * unit}
        return max(within, key=lambda precision: within[precision])

    def _named(self, outputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        # By the float model's names: tools rename outputs, their order stays.
        return dict(zip(self._reference[1], outputs, strict=True))

    def _scores(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        reference = self._named(self._reference[0]) if self._metric.needs_reference else None
        return self._metric.per_sample(self._named(outputs), self._labels, reference)

    def _value(self, outputs: Sequence[np.ndarray]) -> float:
        return self._metric.value(self._scores(outputs), self._labels)

    def _verdict(self, outputs: Sequence[np.ndarray], max_drop: float) -> dict[str, Any]:
        for values in outputs:
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise JudgeFailed("an output is NaN or infinite")
        reference, candidate = self._scores(self._reference[0]), self._scores(outputs)
        float_score = self._metric.value(reference, self._labels)

        def value(scores: np.ndarray, chosen: np.ndarray) -> float:
            return self._metric.value(scores[chosen], None if self._labels is None else self._labels[chosen])

        found = decide.verdict(
            reference,
            candidate,
            value,
            is_mean=self._metric.is_mean,
            higher_is_better=self._metric.higher_is_better,
            float_score=float_score,
            score=self._metric.value(candidate, self._labels),
            tolerance=max_drop * abs(float_score),
            confidence=CONFIDENCE,
            finalists=1,
            seed=0,
            clusters=self._clusters,
        )
        kept = ("status", "drop", "drop_upper", "tolerance", "n", "score", "float_score")
        return {key: getattr(found, key) for key in kept}

    def _run(
        self, subject: Subject, seconds: float, best: str | None = None
    ) -> tuple[list[np.ndarray], dict[str, Any]]:
        request = Request(
            model=subject.model,
            runtime=subject.runtime,
            properties=dict(subject.properties),
            float_model=self._task.model,
            float_properties=properties("f32", self._task.threads),
            best_float_properties=None if best is None else properties(best, self._task.threads),
            holdout=str(self._holdout_file),
            output=str(self._folder / "outputs.npz"),
            threads=self._task.threads,
            seconds=seconds,
            confidence=CONFIDENCE,
        )
        answer = self._answer("benchmarks.runtimes", asdict(request), subject.python)
        with np.load(request.output) as archive:
            outputs = [archive[str(i)] for i in range(len(archive.files))]
        return outputs, answer

    def _answer(self, module: str, request: dict[str, Any], python: str) -> dict[str, Any]:
        """Ask a module in a process of its own."""
        asked = self._folder / "request.json"
        asked.write_text(json.dumps(request))
        try:
            done = subprocess.run(
                [python, "-m", module, str(asked)],
                cwd=ROOT,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise JudgeFailed(f"not judged after {TIMEOUT} s") from error
        if done.returncode != 0:
            raise JudgeFailed(f"exit {done.returncode}: {' '.join(done.stderr.split())[-300:]}")
        answer: dict[str, Any] = json.loads(asked.with_suffix(".answer.json").read_text())
        return answer


def _speeds(answer: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in ("speed", "speed_best_float"):
        interval = answer[name]
        row |= {name: interval["estimate"], f"{name}_low": interval["low"], f"{name}_high": interval["high"]}
    plain = ("milliseconds", "float_milliseconds", "precision", "version")
    return {**row, **{"executed" if key == "precision" else key: answer[key] for key in plain if key in answer}}


def main() -> None:
    file = Path(sys.argv[1])
    task = Task(**json.loads(file.read_text()))
    judge = Judge(task, file.parent / "holdout.npz", file.parent / "judge", {}, 10.0)
    for model in sys.argv[2:]:
        row = judge.judge(Subject(model, "openvino", properties("f32", task.threads)), 0.01)
        print(model, json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
