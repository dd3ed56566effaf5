"""The virtual environments of the peers and of the model exports: what is installed where, pinned.

    python -m benchmarks.peers.environments [NAME ...]

Each peer has its own, because their requirements exclude one another. They live in the cache folder, are made at first
use and again when their requirements change. A peer that does not install is remembered with pip's reason. Who finds
one in the making waits until it is made.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autotune.sources.cache import cache_dir

ROOT = Path(__file__).resolve().parents[2]
# What this project's own code needs inside a peer's environment: metrics, data files, interleaved timing, and OpenVINO
# to be timed in pairs with ONNX Runtime.
_OURS = ("scipy", "scikit-learn", "psutil")
_TORCH = "torch==2.13.0"
ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "openvino": ("openvino==2026.4.1", "nncf==3.4.0", *_OURS),
    # onnx and onnxruntime as old as its code expects; `six` is imported but not declared.
    "neural-compressor": (
        *("neural-compressor==3.7.1", "onnx<1.18", "onnxruntime<1.21", "six", "setuptools<81", "openvino==2026.4.1"),
        *_OURS,
    ),
    # `requests` is imported but not declared; newer pydantic stops it at start.
    "olive": (
        *("olive-ai==0.13.0", "onnxruntime==1.24.*", "requests", "pydantic<2.12", _TORCH, "openvino==2026.4.1"),
        *_OURS,
    ),
    # Not a peer: exports PyTorch models to OpenVINO and ONNX.
    "torch": (
        *(_TORCH, "transformers==5.24.0", "openvino==2026.4.1", "onnx==1.20.*", "efficientnet-lite-pytorch==0.1.0"),
        *_OURS,
    ),
}
SECONDS = 1500


class NotInstalled(RuntimeError):
    """The environment cannot be made; the message is pip's reason."""


def python_of(name: str) -> Path:
    """Return the interpreter of an environment, making it if it is not there.

    Raises:
        NotInstalled: pip cannot install its requirements (now, or at an earlier try with the same ones).
    """
    requirements = ENVIRONMENTS[name]
    key = hashlib.sha256("\n".join((sys.version, *requirements)).encode()).hexdigest()[:8]
    folder = cache_dir() / "benchmarks" / "environments" / f"{name}-{key}"
    with _alone(folder):
        _make(folder, requirements)
    return folder / "bin" / "python"


def _make(folder: Path, requirements: tuple[str, ...]) -> None:
    ready, failed = folder / "ready", folder / "failed"
    if failed.exists():
        raise NotInstalled(failed.read_text())
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        done = subprocess.run([*pip, *requirements], capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            reason = " ".join(errors or done.stderr.splitlines()[-3:])[:500]
            failed.write_text(reason)
            raise NotInstalled(reason)
        ready.write_text("\n".join(requirements) + "\n")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from making the same environment; the system lets go of the lock of one that dies."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> None:
    for name in sys.argv[1:] or ENVIRONMENTS:
        try:
            print(f"{name}: {python_of(name)}", flush=True)
        except NotInstalled as error:
            print(f"{name}: not installed: {error}", flush=True)


if __name__ == "__main__":
    main()
