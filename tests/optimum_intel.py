"""Asks optimum-intel what a deployed folder answers, the way that the folder's README says.

optimum-intel wants an older transformers than ours, so it may live in an environment of its own: AUTOTUNE_OPTIMUM names
that Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PYTHON = os.environ.get("AUTOTUNE_OPTIMUM", sys.executable)

# The last line of the README's is the call; PREPARE makes what it is called with. BEFORE comes before everything.
SCRIPT = """
import json, sys
import numpy as np
left_out = None
BEFORE
folder, values, out = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
said = open(folder + "/README.md").read().split("with optimum-intel")[1]
*lines, call = [line[4:] for line in said.splitlines() if line.startswith("    ")]
exec("\\n".join(line for line in lines if left_out is None or left_out not in line))
found = []
for value in values:
    PREPARE
    exec(call)
    found.append({name: value.detach().numpy() for name, value in outputs.items()})
np.savez(out, **{name: np.concatenate([one[name] for one in found]) for name in found[0]})
compiled = model.request.get_compiled_model() if hasattr(model.request, "get_compiled_model") else model.request
print(compiled.get_property("INFERENCE_PRECISION_HINT").to_string(), compiled.inputs[0].get_partial_shape())
from optimum.intel import OVConfig
print(OVConfig.from_pretrained(folder).dtype)
"""
TEXT = "question = text = value"
IMAGE = "from PIL import Image; image = Image.open(value).convert('RGB')"
# Where there is no torchvision an image's processor cannot be loaded there: what it would give is in a file.
PROCESSED = "image = np.load(value)"
NO_PROCESSOR = """
import torch
left_out = "AutoImageProcessor"
processor = lambda image, return_tensors: {"pixel_values": torch.from_numpy(image)}
"""
AUDIO = "from scipy.io import wavfile; samples = wavfile.read(value)[1] / np.float32(32768)"


def installed_there(name: str) -> bool:
    """Whether that Python has a package."""
    script = f"import importlib.util as u, sys; sys.exit(u.find_spec({name!r}) is None)"
    return subprocess.run([PYTHON, "-c", script], check=False).returncode == 0


needs_optimum = pytest.mark.skipif(
    not installed_there("optimum"),
    reason="optimum-intel is not installed; AUTOTUNE_OPTIMUM may name a Python that has it",
)


def by_optimum(
    folder: Path, values: list[str], read: str = TEXT, before: str = ""
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The outputs of each text or file, and the precision, the shape of an input and the config's dtype."""
    out = folder.parent / "out.npz"
    script = SCRIPT.replace("BEFORE", before).replace("PREPARE", read)
    command = [PYTHON, "-c", script, folder.name, json.dumps(values), str(out)]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(out) as archive:
        return dict(archive), done.stdout.split()
