"""Lines of text, labelled with what the float model reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov

from autotune import recipe
from autotune.sources.builtin.drawn_lines import draw, preprocess, texts
from autotune.sources.model import locate

LINES, WIDTH = 500, 320


def make(folder: Path) -> None:
    """Write data.npz."""
    random = np.random.default_rng(0)
    rows = np.stack([preprocess(draw(text, WIDTH, random), WIDTH) for text in texts(LINES, random)])
    core = ov.Core()
    model = core.read_model(locate(recipe.load(Path(__file__).with_name("text-lines.yaml"))))
    model.reshape([1, *rows.shape[1:]])
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    read = [compiled(row[None])[0][0].argmax(axis=1) for row in rows]
    np.savez(folder / "data.npz", x=rows, labels=np.stack(read).astype(np.int64))
