from __future__ import annotations

import numpy as np
import pytest

from autotune.data import Dataset, Splits, digest, labels_are_classes, load_saved, save, split, validate
from autotune.errors import UserError


def dataset(n: int = 60) -> Dataset:
    random = np.random.default_rng(0)
    return Dataset({"x": random.random((n, 3), dtype=np.float32), "a/b:0": np.arange(n)}, np.arange(n) % 3)


def splits() -> Splits:
    return split(dataset(), (0.2, 0.3, 0.5), 0, True)


def test_take_and_row():
    data = Dataset({"x": np.arange(10)}, np.arange(10) * 2, np.arange(10) // 2)
    taken = data.take([7, 2])
    assert (taken.inputs["x"].tolist(), taken.labels.tolist(), taken.groups.tolist()) == ([7, 2], [14, 4], [3, 1])
    assert data.row(4)["x"].tolist() == [4]
    assert len(data.take(slice(0, 3))) == 3


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Dataset({}, None), "holds no input"),
        (Dataset({"x": np.float32(1)}, None), "input 'x' is a single value"),
        (Dataset({"x": np.zeros((3, 2)), "y": np.zeros(4)}, np.arange(3)), "'x' has 3, input 'y' has 4, labels"),
        (Dataset({"x": np.zeros((0, 2))}, np.zeros(0)), "holds no sample"),
        (Dataset({"x": np.array([1, np.nan, np.inf])}, np.arange(3)), "infinite values in 2 samples, first in 1"),
        (Dataset({"x": np.zeros((2, 1))}, np.array([0.0, np.nan])), "labels has NaN"),
        (Dataset({"x": np.array([[1], [1, 2]], dtype=object)}, np.arange(2)), "Python objects"),
        (Dataset({"x": np.arange(5)}, np.arange(5), np.arange(4)), "groups has 4"),
    ],
)  # fmt: skip
def test_validate_says_what_is_wrong(broken: Dataset, message: str):
    with pytest.raises(UserError, match=message) as caught:
        validate(broken, "data.npz")
    assert str(caught.value).startswith("data.npz: ")


def test_validate_accepts_good_data_with_and_without_labels():
    validate(dataset(), "data")
    validate(Dataset(dataset().inputs), "data")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.arange(20) % 4, True),
        (np.array(["a", "b"] * 10), True),
        (np.arange(20), False),
        (np.linspace(0, 1, 20), False),
        (np.zeros((20, 2), int), False),
        (None, False),
    ],
)
def test_labels_are_classes(labels, expected):
    assert labels_are_classes(labels) is expected


def test_saving_and_loading_gives_the_same_splits(tmp_path):
    before = splits()
    save(before, tmp_path / "deep" / "splits.npz")
    after = load_saved(tmp_path / "deep" / "splits.npz")
    assert digest(after) == digest(before)
    assert after.duplicates_removed == before.duplicates_removed
    assert after.search.inputs.keys() == {"x", "a/b:0"}
    assert after.search.labels.dtype == before.search.labels.dtype
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["splits.npz"]


def test_missing_labels_and_named_ones_survive_saving(tmp_path):
    unlabelled = Dataset({"x": np.arange(4.0)})
    named = Dataset({"x": np.arange(4.0)}, np.array(["ä", "b", "c", "d"]), np.array(["p", "p", "q", "q"]))
    save(Splits(unlabelled, named, named), tmp_path / "s.npz")
    after = load_saved(tmp_path / "s.npz")
    assert after.calibration.labels is None
    assert after.holdout.labels.tolist() == ["ä", "b", "c", "d"]
    assert after.holdout.groups.tolist() == ["p", "p", "q", "q"]


def test_digest_depends_on_values_names_types_shapes_and_split():
    base = splits()
    search, x, ids = base.search, base.search.inputs["x"], base.search.inputs["a/b:0"]
    variants = [
        Splits(base.calibration, search.take(slice(1, None)), base.holdout),
        Splits(base.search, base.calibration, base.holdout),
        Splits(base.calibration, Dataset(search.inputs), base.holdout),
        Splits(base.calibration, Dataset({"x": x.astype(float), "a/b:0": ids}, search.labels), base.holdout),
        Splits(base.calibration, Dataset({"y": x, "a/b:0": ids}, search.labels), base.holdout),
        Splits(base.calibration, Dataset({"x": x[:, :, None], "a/b:0": ids}, search.labels), base.holdout),
    ]  # fmt: skip
    assert len({digest(s) for s in [base, *variants]}) == len(variants) + 1


def test_digest_is_stable_across_releases_and_byte_orders():
    small = Dataset({"x": np.arange(4, dtype="<i4")}, np.arange(4, dtype="<i8"))
    swapped = Dataset({"x": np.arange(4, dtype=">i4")}, np.arange(4, dtype=">i8"))
    expected = digest(Splits(small, small, small))
    assert expected == digest(Splits(swapped, swapped, swapped))
    assert expected == "3eea7a80b9ab145aa2bffc634050d1b8d7027193f1a850bef3e98e44b3bb61ee"


def test_samples_of_two_members():
    x = np.arange(24).reshape(6, 2, 2)
    pairs = Dataset({"x": x}, np.arange(6), members=2)
    assert len(pairs) == 6
    assert len(pairs.runs()) == 12
    assert pairs.runs().row(3)["x"].tolist() == [[6, 7]]
    assert pairs.take([4]).members == 2
    assert pairs.take([4]).runs().inputs["x"].tolist() == [[16, 17], [18, 19]]
    alone = dataset()
    assert alone.runs() is alone


def test_members_survive_saving(tmp_path):
    pairs = Dataset({"x": np.arange(240).reshape(60, 2, 2)}, np.arange(60) % 2, members=2)
    made = split(pairs, (0.2, 0.3, 0.5), 0, stratify=True)
    save(made, tmp_path / "s.npz")
    assert [part.members for _, part in load_saved(tmp_path / "s.npz").items()] == [2, 2, 2]
    validate(made.search, "data")
