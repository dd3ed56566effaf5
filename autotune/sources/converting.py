"""Starting the process that converts a model with PyTorch: its memory ends with it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from autotune import chatter
from autotune.data import Dataset
from autotune.errors import AutotuneError, UserError

MODEL = "openvino_model.xml"
REPLY = "conversion.json"
_SAMPLES = 4


def has_torch() -> bool:
    """Whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def check_torch(name: str) -> None:
    """Raise UserError if PyTorch is not installed, which converting ``name`` needs."""
    if not has_torch():
        raise UserError(
            f"model: converting {name} needs PyTorch, which is not installed; pip install 'autotune[torch]' "
            "(it is converted once, later runs do without)."
        )


def shapes(samples: Dataset) -> dict[str, list[int | list[int]]]:
    """Return the shape of each input, with a batch of 1; an axis that stays dynamic is its limits (-1: none)."""
    if samples.lengths is None:
        return {name: [1, *values.shape[1:]] for name, values in samples.inputs.items()}
    free = [1, samples.lengths.most or -1]
    return {name: [1, *values.shape[1:-1], free] for name, values in samples.inputs.items()}


def converted(request: dict[str, Any], samples: Dataset, folder: Path) -> dict[str, Any]:
    """Have ``autotune.sources.conversion`` write the model and its reply into ``folder``; return the reply.

    Args:
        request: ``source`` (``folder`` or ``function``), ``name`` for messages, ``shapes`` and what the source needs.
        samples: a few of them are what the conversion is tried and checked on.

    Raises:
        UserError: the model cannot be loaded or converted.
    """
    with tempfile.TemporaryDirectory(prefix="autotune-") as scratch:
        given = Path(scratch) / "samples.npz"
        tried = samples.take(slice(_SAMPLES))
        if samples.lengths is not None:  # of different lengths, or a length that got stuck in the graph goes unseen
            order = np.argsort(-samples.lengths.runs, kind="stable")
            tried = samples.take(order[np.linspace(0, len(order) - 1, min(_SAMPLES, len(order))).astype(int)])
        np.savez(given, **tried.inputs)  # type: ignore[arg-type]
        lengths = None if tried.lengths is None else tried.lengths.runs.tolist()
        text = json.dumps({**request, "samples": str(given), "lengths": lengths, "model": str(folder / MODEL)})
        # Nothing is fetched from a hub, whatever a config names.
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
        command = [sys.executable, "-m", "autotune.sources.conversion", text, str(folder / REPLY)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    chatter.add(done.stdout + done.stderr)
    if not (folder / REPLY).is_file():
        told = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        raise AutotuneError(f"Converting {request['name']} failed: {told[0][:300]}.")
    reply: dict[str, Any] = json.loads((folder / REPLY).read_text())
    if "error" in reply:
        raise UserError(reply["error"])
    return reply


def sentence(name: str, reply: dict[str, Any], again: bool) -> str:
    """Say how a model was converted; ``again``: it is out of the cache."""
    how = f"with {reply['way']} (PyTorch {reply['torch']})"
    told = f"{name} was converted {how}" + (" before and is in the cache." if again else ".")
    return f"{told} {reply['remark']}".strip()
