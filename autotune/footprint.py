"""The peak memory of a written model: how much more a process holds while it loads and runs it, as a user would.

``python -m autotune.footprint FOLDER SAMPLES REPLY`` is the process that is measured. SAMPLES are files of inputs, the
reply is JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from autotune import deploy, fresh
from autotune.files import write_text
from autotune.record import Failure
from autotune.stages import StageFailed

_STATUS = Path("/proc/self/status")


def peak_memory(folder: Path, samples: Sequence[Mapping[str, NDArray[Any]]]) -> int:
    """Load a written folder in a fresh process, run a few samples one after the other, and return the peak, in bytes.

    Counted is the largest resident memory of that process from its start to the end of the last inference, less what
    was resident before the model was read, when Python, numpy and OpenVINO with its CPU plugin were loaded and the
    samples in memory. So it holds what is resident of the file of weights, which OpenVINO maps, the copy of them that
    compiling packs, what reading and compiling take for a while, kernels, buffers of activations, and outputs. Not
    counted are the libraries themselves and the samples. A model of a few kilobytes has tens of megabytes too:
    what OpenVINO first runs when it compiles.

    Args:
        folder: a deployed one; it is compiled with its ``deploy.json``, for each of its lengths where it has buckets.
        samples: inputs by name, with the batch axis; the first few are run.

    Raises:
        StageFailed: the process could not load and run the model.
    """
    with tempfile.TemporaryDirectory(prefix="autotune-footprint-") as scratch:
        size = 0
        for number, inputs in enumerate(samples[: fresh.SAMPLES]):
            size += sum(values.nbytes for values in inputs.values())
            if number and size > fresh.LIMIT:
                break
            np.savez(Path(scratch) / f"{number}.npz", **inputs)  # type: ignore[arg-type]
        reply = Path(scratch) / "reply.json"
        if told := fresh.run(__name__, folder, Path(scratch), reply):
            raise StageFailed(Failure("export", "memory", told))
        return int(json.loads(reply.read_text())["bytes"])


def main() -> None:
    folder, scratch, reply = map(Path, sys.argv[1:4])
    write_text(reply, json.dumps({"bytes": _peak(folder, scratch)}))


def _peak(folder: Path, scratch: Path) -> int:
    samples = []
    for path in sorted(scratch.glob("*.npz")):
        with np.load(path, allow_pickle=False) as archive:
            samples.append(dict(archive))
    deploy.ready()
    before = psutil.Process().memory_info().rss
    compiled = deploy.load(folder)
    for inputs in samples:
        compiled(inputs)
    return max(0, _most_resident() - int(before))


def _most_resident() -> int:
    """Return the bytes that were resident in this process at most; ``ru_maxrss`` on Linux is the parent's at first."""
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # macOS: in bytes


if __name__ == "__main__":
    main()
