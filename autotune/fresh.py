"""A written folder in a process of its own: loaded there as a user loads it, it gives the outputs that were judged.

``python -m autotune.fresh FOLDER SAMPLES REPLY`` is that process; it imports OpenVINO and numpy, nothing else that is
heavy. SAMPLES are files of inputs with the outputs expected of them, the reply is JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune import deploy
from autotune.files import write_text
from autotune.outcome import ExportCheck

Arrays = dict[str, NDArray[Any]]

SAMPLES = 8
# Bytes of inputs and outputs: of a model with large outputs fewer samples are compared, but always one.
LIMIT = 1 << 26
TIMEOUT_SECONDS = 300.0
_INPUT = "input "


def compare(folder: Path, samples: Sequence[Any], judged: Callable[[Any], Arrays]) -> tuple[ExportCheck, str]:
    """Compare a written folder's outputs, in a fresh process, with those that were judged: every bit counts.

    Args:
        folder: a deployed one.
        samples: inputs by name; the first few are compared.
        judged: gives the outputs of the judged model by name, in the model's order.

    Returns:
        What was compared, and what is wrong: an output that differs, and by how much, or why the process could not load
        and run it; empty if all is well.
    """
    with tempfile.TemporaryDirectory(prefix="autotune-fresh-") as scratch:
        count, outputs, size = 0, 0, 0
        for inputs in samples[:SAMPLES]:
            expected = judged(inputs)
            size += sum(values.nbytes for values in (*inputs.values(), *expected.values()))
            if count and size > LIMIT:
                break
            arrays: Arrays = {f"{_INPUT}{name}": values for name, values in inputs.items()}
            # By place: names of outputs are not always names of files.
            arrays.update({str(i): values for i, values in enumerate(expected.values())})
            np.savez(Path(scratch) / f"{count}.npz", **arrays)  # type: ignore[arg-type]
            count, outputs = count + 1, len(expected)
        names = list(expected)
        reply = Path(scratch) / "reply.json"
        told = run(__name__, folder, Path(scratch), reply)
        found = {} if told else json.loads(reply.read_text())
    if found:
        told = (
            f"output '{names[found['output']]}' of the written model, loaded in a fresh process, differs from the "
            f"judged one's by up to {found['most']:.2g} in sample {found['sample']} (0 first)"
        )
    return ExportCheck(count, outputs), told


def run(module: str, folder: Path, scratch: Path, reply: Path) -> str:
    """Run a module as a process of its own on these paths; return why it failed, empty if it did not."""
    command = [sys.executable, "-m", module, *map(str, (folder, scratch, reply))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        said = f"it took over {TIMEOUT_SECONDS:.0f} s"
    else:
        if done.returncode == 0:
            return ""
        said = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1][:300]
    return f"a fresh process cannot load and run the written model: {said}"


def main() -> None:
    folder, scratch, reply = map(Path, sys.argv[1:4])
    write_text(reply, json.dumps(_difference(folder, scratch)))


def _difference(folder: Path, scratch: Path) -> dict[str, float]:
    compiled = deploy.load(folder)
    for number in range(len(list(scratch.glob("*.npz")))):
        with np.load(scratch / f"{number}.npz", allow_pickle=False) as archive:
            inputs = {key.removeprefix(_INPUT): archive[key] for key in archive.files if key.startswith(_INPUT)}
            results = compiled(inputs)
            for i in range(len(archive.files) - len(inputs)):
                expected, got = archive[str(i)], results[i]
                if expected.shape != got.shape or not np.array_equal(expected, got):
                    return {"sample": number, "output": i, "most": _most(expected, got)}
    return {}


def _most(expected: NDArray[Any], got: NDArray[Any]) -> float:
    if expected.shape != got.shape:
        return float("inf")
    return float(np.abs(got.astype(np.float64) - expected.astype(np.float64)).max())


if __name__ == "__main__":
    main()
