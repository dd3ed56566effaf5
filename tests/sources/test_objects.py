"""Data given as Python objects, as arrays by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autotune.errors import UserError
from autotune.folder import RunFolder
from autotune.sources.given import Given
from autotune.sources.objects import arrays, write_object
from autotune.usercode import load_function

IMAGES = np.arange(12, dtype=np.float32).reshape(3, 4)
LABELS = np.array([0, 1, 0])


def one() -> tuple[str, ...]:
    return ("image",)


def two() -> tuple[str, ...]:
    return ("ids", "mask")


@pytest.mark.parametrize(
    "given",
    [
        {"image": IMAGES, "labels": LABELS},
        (IMAGES, LABELS),
        ({"image": IMAGES}, LABELS),
        list(zip(IMAGES, LABELS, strict=True)),
        [{"image": image, "labels": label} for image, label in zip(IMAGES, LABELS, strict=True)],
        lambda: (IMAGES, LABELS),
        lambda: ((image, label) for image, label in zip(IMAGES, LABELS, strict=True)),
    ],
    ids=["mapping", "pair", "named pair", "samples", "mappings", "callable", "generator"],
)
def test_every_kind_gives_the_same_arrays(given: Any) -> None:
    found = arrays(given, one, "data")
    assert list(found) == ["image", "labels"]
    np.testing.assert_array_equal(found["image"], IMAGES)
    np.testing.assert_array_equal(found["labels"], LABELS)
    assert found["image"].dtype == np.float32


def test_labels_may_be_missing() -> None:
    assert list(arrays((IMAGES, None), one, "data")) == ["image"]


@pytest.mark.parametrize(
    ("given", "names", "said"),
    [
        (3, one, "data: int is not data"),
        ("text", one, "data: str is not data"),
        ([], one, "data: holds no sample"),
        ((IMAGES, LABELS), two, "the model has the inputs 'ids', 'mask'; give arrays by name"),
        ([(np.zeros(3), 0), (np.zeros(4), 1)], one, "the samples differ in shape"),
        ([{"image": 1}, {"picture": 1}], one, "sample 1 has 'picture', the first has 'image'"),
        ([1, 2], one, "a sample is a mapping by input name or a pair"),
        ({"image": np.array([object()])}, one, "holds Python objects"),
    ],
)
def test_what_is_no_data_is_said(given: Any, names: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        arrays(given, names, "data")


def test_three_splits_are_three_files(tmp_path) -> None:
    given = {name: (IMAGES + i, LABELS) for i, name in enumerate(("calibration", "search", "holdout"))}
    with Given(RunFolder(tmp_path / "run"), False) as files:
        written: Any = files.data(lambda: given, one, None)
        values = {name: float(np.load(part["path"])["image"][0, 0]) for name, part in written.items()}
    assert values == {
        "calibration": 0.0,
        "search": 1.0,
        "holdout": 2.0,
    }


def test_a_metric_is_read_back(tmp_path) -> None:
    scale = 3.0
    path = write_object(lambda outputs, labels: scale * labels, "metric", tmp_path)
    function = load_function(f"{path}:metric", tmp_path, True, "metric")
    np.testing.assert_array_equal(function({}, LABELS), 3.0 * LABELS)


def test_a_metric_that_cannot_be_sent_is_said(tmp_path) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises(UserError, match="cannot be sent"):
        write_object(lambda outputs, labels: file.write("x"), "metric", tmp_path / "given")
