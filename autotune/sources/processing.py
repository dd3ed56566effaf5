"""A process of its own for a transformers folder's processor: where PyTorch is installed, it is loaded along.

``python -m autotune.sources.processing REQUEST REPLY``: the request is a pickle that the parent wrote, the reply an npz
of samples and of what was told, or of a sentence for the user.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from autotune import chatter
from autotune.data import Array, Dataset, from_arrays, to_arrays
from autotune.errors import AutotuneError, UserError
from autotune.media import How, encode
from autotune.recipe import TaskSpec
from autotune.text.table import Table


def processed(
    tables: Mapping[str, tuple[Table, Path]], spec: TaskSpec, how: How, announce: Callable[[str], None]
) -> dict[str, Dataset]:
    """Do what :func:`autotune.media.encode` does, elsewhere.

    Raises:
        UserError: as there.
    """
    with tempfile.TemporaryDirectory(prefix="autotune-") as scratch:
        request, reply = Path(scratch) / "request.pkl", Path(scratch) / "reply.npz"
        request.write_bytes(pickle.dumps((dict(tables), spec.model_dump(exclude_unset=True), how)))
        # Nothing is fetched from a hub, whatever a config names.
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
        command = [sys.executable, "-m", "autotune.sources.processing", str(request), str(reply)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        chatter.add(done.stdout + done.stderr)
        if not reply.is_file():
            said = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
            raise AutotuneError(f"Preparing the samples failed: {said[0][:300]}.")
        with np.load(reply, allow_pickle=False) as archive:
            if "error" in archive:
                raise UserError(str(archive["error"]))
            for sentence in archive["told"]:
                announce(str(sentence))
            return from_arrays(archive)


def main() -> None:
    tables, spec, how = pickle.loads(Path(sys.argv[1]).read_bytes())
    told: list[str] = []
    arrays: dict[str, Array]
    try:
        datasets = encode(tables, TaskSpec.model_validate(spec), how, told.append)
        arrays = {"told": np.array(told, dtype=np.str_), **to_arrays(datasets)}
    except UserError as error:
        arrays = {"error": np.array(str(error))}
    with Path(sys.argv[2]).open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
