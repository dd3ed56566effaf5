"""What the makers of models share: Debian's packages, and export scripts in the environment that has PyTorch."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import ROOT, python_of


def unpack(package: str, sha256: str, folder: Path) -> None:
    """Download a package of Debian, ``name=version``, and unpack it into an empty folder.

    Raises:
        ValueError: it is another file than expected.
        subprocess.CalledProcessError: it cannot be had.
    """
    subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True, capture_output=True)
    (file,) = folder.glob("*.deb")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != sha256:
        raise ValueError(f"{package} is not the expected file: its SHA-256 is {found}")
    subprocess.run(["dpkg-deb", "-x", str(file), str(folder)], check=True)


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
