from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotune.data import Dataset, Splits, join, sample_digests, split
from autotune.errors import UserError

THIRDS = (slice(0, 100), slice(100, 200), slice(200, 300))
SHARES = (0.15, 0.25, 0.6)


def parts(splits: Splits) -> list[Dataset]:
    return [splits.calibration, splits.search, splits.holdout]


def numbered(n: int, classes: int = 4, groups: np.ndarray | None = None) -> Dataset:
    return Dataset({"x": np.arange(n, dtype=np.float32).reshape(n, 1)}, np.arange(n) % classes, groups)


def ids(dataset: Dataset) -> set[int]:
    return set(dataset.inputs["x"][:, 0].astype(int).tolist())


def test_every_sample_lands_in_exactly_one_split_in_its_share_and_class():
    splits = split(numbered(400), SHARES, seed=0, stratify=True)
    assert [len(d) for d in parts(splits)] == [60, 100, 240]
    for part, each in zip(parts(splits), (15, 25, 60), strict=True):
        assert all(abs(count - each) <= 1 for count in Counter(part.labels.tolist()).values())
    assert set.union(*(ids(d) for d in parts(splits))) == set(range(400))


def test_labels_and_inputs_stay_together():
    for dataset in parts(split(numbered(100), SHARES, seed=3, stratify=True)):
        np.testing.assert_array_equal(dataset.inputs["x"][:, 0] % 4, dataset.labels)


def test_the_seed_changes_the_split_and_the_order_of_the_samples_does_not():
    data = numbered(200)
    turned = data.take(slice(None, None, -1))
    first, again, other = (split(d, SHARES, seed, True) for d, seed in ((data, 0), (turned, 0), (data, 1)))
    assert ids(first.holdout) == ids(again.holdout)
    assert ids(first.holdout) != ids(other.holdout)
    np.testing.assert_array_equal(first.search.inputs["x"], again.search.inputs["x"])


def test_copies_are_kept_once_and_contradicting_labels_stay_together():
    data = numbered(100)
    doubled = Dataset(
        {"x": np.concatenate([data.inputs["x"]] * 3)},
        np.concatenate([data.labels, data.labels, (data.labels + 1) % 4]),
    )
    splits = split(doubled, SHARES, seed=0, stratify=False)
    assert splits.duplicates_removed == 100
    assert sum(len(ids(d)) for d in parts(splits)) == 100
    assert sum(len(d) for d in parts(splits)) == 200


@settings(max_examples=60, deadline=None)
@given(
    counts=st.tuples(st.integers(70, 250), st.integers(2, 9), st.integers(1, 4), st.integers(60, 300)),
    seed=st.integers(0, 5),
    stratify=st.booleans(),
)
def test_no_sample_and_no_group_is_in_two_splits(counts, seed, stratify):
    n, kinds, in_group, distinct = counts
    random = np.random.default_rng(seed)
    x = np.concatenate([np.arange(60), random.integers(0, distinct, n - 60)]).astype(np.int32).reshape(n, 1)
    data = Dataset({"x": x}, random.integers(0, kinds, n), np.arange(n) // in_group)
    try:
        splits = split(data, SHARES, seed, stratify)
    except UserError as error:
        assert "groups" in str(error) or "too few" in str(error)
        return
    found = parts(splits)
    assert sum(map(len, found)) + splits.duplicates_removed == n
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not set(sample_digests(found[one])) & set(sample_digests(found[other]))
        assert not set(found[one].groups.tolist()) & set(found[other].groups.tolist())


@settings(max_examples=40, deadline=None)
@given(n=st.integers(70, 400), kinds=st.integers(1, 30), seed=st.integers(0, 3))
def test_counts_are_close_to_the_shares(n, kinds, seed):
    data = numbered(n, kinds)
    for stratify in (False, True):
        splits = split(data, SHARES, seed, stratify)
        for share, part in zip(SHARES, parts(splits), strict=True):
            assert abs(len(part) - share * n) <= 2
            if stratify:
                for klass in range(kinds):
                    wanted = share * np.sum(data.labels == klass)
                    assert abs(np.sum(part.labels == klass) - wanted) <= 2.5


def test_four_turns_of_a_page_stay_together():
    data = numbered(400, 4, groups=np.arange(400) // 4)
    splits = split(data, SHARES, seed=0, stratify=True)
    assert [len(d) for d in parts(splits)] == [60, 100, 240]
    for part in parts(splits):
        assert set(Counter(part.groups.tolist()).values()) == {4}


def test_groups_may_be_named():
    data = numbered(80, 4, groups=np.array([f"page {i // 2}" for i in range(80)]))
    splits = split(data, SHARES, 0, True)
    assert not set(splits.search.groups.tolist()) & set(splits.holdout.groups.tolist())


def test_too_few_samples_says_how_many_are_needed():
    with pytest.raises(UserError, match=r"30 samples are too few.*0\.15 / 0\.25 / 0\.6 needs at least 40"):
        split(numbered(30), SHARES, 0, True)
    assert len(split(numbered(40), SHARES, 0, False).search) == 10


def test_copies_do_not_count_towards_the_samples_needed():
    same = Dataset({"x": np.zeros((100, 2), np.float32)}, np.arange(100) % 2)
    with pytest.raises(UserError, match="2 different samples \\(and 98 copies\\) are too few"):
        split(same, SHARES, 0, True)


def test_groups_too_large_to_deal_out():
    with pytest.raises(UserError, match=r"(calibration|search) split gets 0 samples.*groups"):
        split(numbered(100, 4, groups=np.arange(100) // 50), SHARES, 0, True)


def test_joining_removes_from_earlier_splits_what_is_in_later_ones():
    data = numbered(100)
    splits = join(data.take(range(30)), data.take(range(10, 50)), data.take(range(40, 100)), seed=0)
    assert [ids(d) for d in parts(splits)] == [set(range(10)), set(range(10, 40)), set(range(40, 100))]
    assert splits.duplicates_removed == 30


def test_the_same_numbers_in_another_type_are_the_same_samples():
    """A source kept as float64 or uint8 is fed to the model as the float32 of another is."""
    pixels = np.arange(240, dtype=np.uint8).reshape(240, 1)
    wide, narrow = pixels[:120].astype(np.float64) / 255, pixels.astype(np.float32) / np.float32(255)
    splits = join(Dataset({"x": wide}), Dataset({"x": narrow[100:160]}), Dataset({"x": narrow[140:]}), seed=0)
    assert [len(part) for part in parts(splits)] == [100, 40, 100]
    assert splits.duplicates_removed == 40
    whole = join(
        Dataset({"x": pixels[:60]}), Dataset({"x": pixels[50:90].astype(np.float32)}), Dataset({"x": pixels[80:]}), 0
    )
    assert [len(part) for part in parts(whole)] == [50, 30, 160]


def test_minus_zero_is_zero_and_large_integers_stay_apart():
    zeros = np.zeros((60, 2), np.float32)
    zeros[:, 0] = np.arange(60)
    data = Dataset({"x": np.concatenate([zeros, zeros * np.float32([1, -1])])}, np.zeros(120, np.int64))
    assert split(data, SHARES, seed=0, stratify=False).duplicates_removed == 60
    large = 2**24 + np.arange(60).reshape(60, 1)
    assert split(Dataset({"x": large}), SHARES, seed=0, stratify=False).duplicates_removed == 0


def test_joining_the_same_data_thrice_leaves_nothing():
    data = numbered(40)
    with pytest.raises(UserError, match=r"data\.search: has 0 samples without 40 copies"):
        join(data, data, data, seed=0)


def test_joined_splits_are_in_the_order_of_the_seed_not_the_users():
    data = numbered(300)
    by_label = [data.take(np.argsort(data.labels[part], kind="stable") + part.start) for part in THIRDS]
    turned = [part.take(slice(None, None, -1)) for part in by_label]
    first, again, other = (join(*three, seed=seed) for three, seed in ((by_label, 0), (turned, 0), (by_label, 1)))
    for part, same, differs in zip(parts(first), parts(again), parts(other), strict=True):
        np.testing.assert_array_equal(part.inputs["x"], same.inputs["x"])
        assert part.inputs["x"].tolist() != differs.inputs["x"].tolist()
        assert len(set(part.labels[:20].tolist())) == 4, "a prefix holds every class"


def test_joining_removes_members_of_a_group_that_is_in_a_later_split():
    groups = np.concatenate(
        [np.repeat(np.arange(10), 3), np.repeat(np.arange(8, 18), 3), np.repeat(np.arange(30, 40), 3)]
    )
    data = numbered(90, groups=groups)
    splits = join(*(data.take(slice(i, i + 30)) for i in (0, 30, 60)), seed=0)
    assert set(splits.calibration.groups.tolist()) == set(range(8))
    assert [len(d) for d in parts(splits)] == [24, 30, 30]


def test_whole_groups_follow_each_other_where_scores_are_computed():
    data = numbered(400, 4, groups=np.arange(400) % 40)
    apart = [numbered(400, 4, groups=g).take(slice(None)) for g in (np.arange(400) % 40 + k * 40 for k in range(3))]
    shifted = [Dataset({"x": d.inputs["x"] + 400 * k}, d.labels, d.groups) for k, d in enumerate(apart)]
    for splits in (split(data, SHARES, 0, True), join(*shifted, seed=0)):
        for part in (splits.search, splits.holdout):
            changes = np.count_nonzero(np.diff(part.groups))
            assert changes == len(np.unique(part.groups)) - 1
        assert np.count_nonzero(np.diff(splits.calibration.groups)) > len(np.unique(splits.calibration.groups))


def test_large_groups_do_not_come_first():
    groups = np.concatenate([np.repeat(np.arange(20), 18), np.arange(100, 140)])
    firsts = [split(numbered(400, 4, groups=groups), SHARES, seed, False).holdout.groups[0] for seed in range(20)]
    assert any(first >= 100 for first in firsts) and any(first < 100 for first in firsts)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 5), large=st.integers(1, 6), small=st.integers(30, 80))
def test_groups_are_shared_out_where_they_differ_in_size(seed, large, small):
    groups = np.concatenate([np.repeat(np.arange(large), 60), np.repeat(np.arange(100, 100 + small), 5)])
    splits = split(numbered(len(groups), 4, groups=groups), SHARES, seed, False)
    counts = [len(np.unique(part.groups)) for part in parts(splits)]
    assert all(count >= 0.5 * share * (large + small) for count, share in zip(counts, SHARES, strict=True))


def test_a_score_needs_two_groups():
    groups = np.concatenate([np.zeros(40), np.ones(20), np.full(10, 2)])
    with pytest.raises(UserError, match=r"(search|holdout) split gets \d+ samples in 1 group and needs 10 in 2 groups"):
        split(numbered(70, 2, groups=groups), SHARES, 0, False)
    data = [Dataset({"x": np.arange(20.0).reshape(20, 1) + 20 * k}, None, np.arange(20) + 20 * k) for k in range(3)]
    one = Dataset(data[2].inputs, None, np.full(20, 50))
    with pytest.raises(UserError, match=r"data\.holdout: has 20 samples in 1 group and needs at least 2 groups"):
        join(data[0], data[1], one, seed=0)
