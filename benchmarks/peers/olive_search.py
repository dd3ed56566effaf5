"""Olive's search over its ONNX quantisation pass: TPE, the fastest whose drop on the search split is small."""

from __future__ import annotations

import shutil
from argparse import Namespace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.peers.common import Result, Task, read_split, run
from benchmarks.peers.olive_repair import repair

TRIALS = 24
WARM_UP, REPEAT = 10, 20  # Olive's own defaults
FUNCTIONS = Path(__file__).with_name("olive_functions.py")


def peer(task: Task, output: Path, arguments: Namespace) -> Result:
    repair()
    from olive.workflows import run as olive_run

    assert task.onnx is not None
    counter = output / "evaluations"
    counter.unlink(missing_ok=True)
    found = olive_run(config(task, output, arguments.max_drop, counter))
    evaluations = int(counter.read_text()) if counter.exists() else 0
    sizes = {split: len(read_split(Path(task.data), split)) for split in ("calibration", "search")}
    facts: dict[str, Any] = {
        # Each evaluation scores the search split; each candidate but the float model was calibrated first.
        "inferences": evaluations * sizes["search"] + max(0, evaluations - 1) * sizes["calibration"],
        "evaluations": evaluations,
        "note": f"without {evaluations} timings of {WARM_UP + REPEAT} inferences",
        "versions": {"olive-ai": version("olive-ai"), "onnxruntime": version("onnxruntime")},
    }
    best = found.get_best_candidate() if found is not None else None
    if best is None:
        return Result(failure="no candidate was within the tolerance and timed faster than float", **facts)
    path = output / "model.onnx"
    shutil.copy(best.model_path, path)
    return Result(model=str(path), runtime="onnxruntime", did=f"{best.from_pass()}: {best.metrics_value}", **facts)


def config(task: Task, output: Path, max_drop: float, counter: Path) -> dict[str, Any]:
    """Return Olive's configuration."""
    samples = {
        "name": "samples",
        "user_script": str(FUNCTIONS),
        "load_dataset_config": {"type": "calibration_samples", "params": {"data": task.data}},
        "dataloader_config": {"batch_size": 1},
    }
    evaluation = {"task": str(Path(task.data).with_name("task.json")), "counter": str(counter)}
    goal = {"type": "percent-max-degradation", "value": 100 * max_drop}
    score = {
        "name": "accuracy",
        "type": "custom",
        "sub_types": [{"name": "score", "priority": 2, "higher_is_better": True, "goal": goal}],
        "user_config": {
            "user_script": str(FUNCTIONS),
            "evaluate_func": "evaluate",
            "evaluate_func_kwargs": evaluation,
        },
    }
    timing = {"warmup_num": WARM_UP, "repeat_test_num": REPEAT}
    latency = {
        "name": "latency",
        "type": "latency",
        # Faster than float, or it is of no use; and first among those that are accurate enough.
        "sub_types": [
            {
                "name": "avg",
                "priority": 1,
                "metric_config": timing,
                "goal": {"type": "percent-min-improvement", "value": 0.1},
            }
        ],
        "data_config": "samples",
        "user_config": {
            "inference_settings": {"onnx": {"session_options": {"intra_op_num_threads": task.threads}}},
        },
    }
    return {
        "input_model": {"type": "ONNXModel", "model_path": task.onnx},
        "systems": {
            "here": {
                "type": "LocalSystem",
                "accelerators": [{"device": "cpu", "execution_providers": ["CPUExecutionProvider"]}],
            }
        },
        "data_configs": [samples],
        "evaluators": {"both": {"metrics": [score, latency]}},
        "passes": {"quantize": {"type": "OnnxQuantization", "quant_mode": "static", "data_config": "samples"}},
        "search_strategy": {
            "execution_order": "joint",
            "sampler": "tpe",
            "sampler_config": {"max_samples": TRIALS, "seed": 0},
            "max_iter": TRIALS,
        },
        "evaluator": "both",
        "host": "here",
        "target": "here",
        "cache_dir": str(output / "cache"),
        "output_dir": str(output / "out"),
        "log_severity_level": 2,
    }


if __name__ == "__main__":
    run(peer, ("tpe",))
