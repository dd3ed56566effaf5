"""Rows given as Python objects, to a task, as the table that a recipe names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.io import wavfile

from autotune.errors import UserError
from autotune.media.audio import read_audio
from autotune.media.cells import cell_of
from autotune.media.images import read_image
from autotune.sources.rows import write_rows
from autotune.sources.tables import read_table

TEXTS = ["NA", 'say "c"\nd', "007"]
COLUMNS = {"text": TEXTS, "label": np.array([0, 1, 0])}
ROWS = [{"text": text, "label": label} for text, label in zip(TEXTS, (0, 1, 0), strict=True)]


@pytest.mark.parametrize(
    "given",
    [
        COLUMNS,
        {"text": iter(TEXTS), "label": (0, 1, 0), "text_pair": None},
        ROWS,
        (dict(reversed(row.items())) for row in ROWS),
        pd.DataFrame(COLUMNS, index=[5, 5, 7]),
    ],
    ids=["columns", "iterables", "rows", "generator", "frame"],
)
def test_every_kind_gives_the_same_table(tmp_path: Path, given: Any) -> None:
    frame = read_table(write_rows(given, tmp_path / "data.jsonl", "data", "text-classification"))
    assert frame[["text", "label"]].to_dict("records") == ROWS


def test_lists_and_what_is_missing(tmp_path: Path) -> None:
    given = {"text": [["a", "b"], ("c",)], "label": [np.array([0, 1]), [2]], "score": [float("nan"), 0.5]}
    frame = read_table(write_rows(given, tmp_path / "data.jsonl", "data", "token-classification"))
    assert frame["text"].tolist() == [["a", "b"], ["c"]] and frame["label"].tolist() == [[0, 1], [2]]
    assert frame["score"].isna().tolist() == [True, False]


def test_images_become_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As paths from the current folder, pixels, PIL's (turned as they say), and bytes: all are read alike."""
    pixels = np.random.default_rng(0).integers(0, 255, (6, 4, 3), dtype=np.uint8)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    turned = Image.fromarray(np.rot90(pixels).copy())
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save("turned.png", exif=exif)
    Image.fromarray(pixels).save("a.png")
    stored = {"bytes": Path("a.png").read_bytes(), "path": "b.png"}
    images = [
        "a.png",
        Path("a.png"),
        pixels,
        pixels.astype(np.int64),
        Image.fromarray(pixels),
        Image.open("turned.png"),
        stored,
    ]
    table = write_rows({"image": images}, tmp_path / "run" / "data.jsonl", "data", "image-classification")
    for row, cell in enumerate(read_table(table)["image"]):
        np.testing.assert_array_equal(read_image(cell_of(cell, table.parent, "data", row)), pixels)


def test_recordings_become_files(tmp_path: Path) -> None:
    samples = np.linspace(-1, 1, 50, dtype=np.float32)
    wavfile.write(tmp_path / "a.wav", 8000, samples)
    cells = [tmp_path / "a.wav", (tmp_path / "a.wav").read_bytes(), {"array": samples, "sampling_rate": 8000}]
    table = write_rows({"audio": cells}, tmp_path / "data.jsonl", "data", "audio-classification")
    for row, cell in enumerate(read_table(table)["audio"]):
        np.testing.assert_array_equal(read_audio(cell_of(cell, tmp_path, "data", row), 8000), samples)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    given = [{"image": np.zeros((3, 8, 8), np.float32)}]
    with pytest.raises(UserError, match=r"image-0 \(column and row, 0 first\) is float32 \[3, 8, 8\]; give a path"):
        write_rows(given, tmp_path / "data.jsonl", "data", "image-classification")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "data: int is no table, and a task needs one"),
        ([("a", 0)], r"row 0 \(0 first\) is tuple; with a task a row is a mapping"),
        ([{"text": "a"}, {"txt": "b"}], r"row 1 \(0 first\) has 'txt', the first has 'text'"),
        ({"text": ["a"], "label": [0, 1]}, "the columns differ in length: 'text' has 1, 'label' has 2"),
        ({"text": "a"}, r"data\['text'\]: str is no column"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "two columns have one name"),
        ({"text": []}, "the table holds no row"),
        ({"text": ["a", object()]}, r"column 'text' holds object in row 1 \(0 first\)"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, given: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        write_rows(given, tmp_path / "data.jsonl", "data", "text-classification")
