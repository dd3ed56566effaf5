"""What the makers of models share: running an export script in the environment that has PyTorch."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import ROOT, python_of


def export(module: str, facts: Mapping[str, Any], folder: Path) -> None:
    """Run ``benchmarks.models.MODULE`` in the PyTorch environment, with its facts and its folder.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    command = [str(python_of("torch")), "-m", f"benchmarks.models.{module}", json.dumps(dict(facts)), str(folder)]
    # Nothing may be fetched from a model hub: all that is needed is in the packages.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{module}: {done.stderr[-1500:]}")
