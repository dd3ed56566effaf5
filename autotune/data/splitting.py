"""Which sample goes into which split: by seed and content, stratified, with nothing shared between splits."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autotune.data.values import Array, Dataset, Splits, sample_digests
from autotune.errors import UserError

# Fewer than these say nothing: ranges from a handful of samples, a score in steps of 10 points.
MINIMUM = {"calibration": 4, "search": 10, "holdout": 10}


def split(dataset: Dataset, shares: Sequence[float], seed: int, stratify: bool) -> Splits:
    """Deal the samples out to calibration, search and holdout.

    Samples whose inputs and label are all byte-equal are kept once. Samples whose inputs are equal but whose labels
    are not, and samples of one group, go to the same split. The order of dealing is that of a hash of seed and
    content, so that it depends neither on the order of the samples nor on a random generator's version; each unit
    goes where most is missing, in its class and overall, which keeps every count within a few samples of its share.
    Every split is in hash order too, so that any prefix of it is a fair sample of it.

    Args:
        shares: of the three splits, positive, summing to 1.
        stratify: keep the proportions of the labels (classes) in every split.

    Raises:
        UserError: there are too few samples, or groups too large to deal out; says how many are needed.
    """
    digests = sample_digests(dataset)
    kept = _first_of_each(digests, dataset.labels)
    removed = len(dataset) - len(kept)
    _check_enough(len(kept), removed, shares)
    keys = [_key(seed, digests[i]) for i in kept]
    units = _units([digests[i] for i in kept], None if dataset.groups is None else dataset.groups[kept])
    strata = _strata(units, dataset.labels[kept] if stratify and dataset.labels is not None else None)
    assigned = _deal(units, strata, keys, shares)
    hashed = sorted(range(len(kept)), key=lambda i: keys[i])
    parts = [dataset.take(kept[[i for i in hashed if assigned[i] == k]]) for k in range(3)]
    for (name, least), part in zip(MINIMUM.items(), parts, strict=True):
        if len(part) < least:
            raise UserError(
                f"data: the {name} split gets {len(part)} samples and needs {least}, because the groups are too few "
                f"or too large ({len(units)} for {len(kept)} samples); give more groups."
            )
    return Splits(parts[0], parts[1], parts[2], removed)


def join(calibration: Dataset, search: Dataset, holdout: Dataset, seed: int) -> Splits:
    """Make splits of three datasets of the user's own; what is in a later one is removed from the earlier ones.

    That holds for equal samples and for samples of one group. As in :func:`split`, each is in the order of a hash of
    seed and content: the user's order may be by label, and then no prefix would be a fair sample.

    Raises:
        UserError: a dataset is too small, at first or after the removal.
    """
    seen: set[bytes | tuple[str, object]] = set()
    parts: list[Dataset] = []
    removed = 0
    for name, dataset in (("holdout", holdout), ("search", search), ("calibration", calibration)):
        digests = sample_digests(dataset)
        groups = [] if dataset.groups is None else [("group", group.item()) for group in dataset.groups]
        kept = [
            i
            for i in _first_of_each(digests, dataset.labels)
            if digests[i] not in seen and not (groups and groups[i] in seen)
        ]
        if len(kept) < MINIMUM[name]:
            gone = (
                f" after {len(dataset) - len(kept)} copies of others (or members of their groups) were removed"
                if len(kept) < len(dataset)
                else ""
            )
            raise UserError(f"data.{name}: has {len(kept)} samples{gone} and needs at least {MINIMUM[name]}.")
        seen.update(digests, groups)
        removed += len(dataset) - len(kept)
        parts.append(dataset.take(sorted(kept, key=lambda i: _key(seed, digests[i]))))
    return Splits(parts[2], parts[1], parts[0], removed)


def _key(seed: int, digest: bytes) -> bytes:
    return hashlib.sha256(f"{seed}:".encode() + digest).digest()


def _first_of_each(digests: list[bytes], labels: Array | None) -> NDArray[np.intp]:
    first: dict[bytes, int] = {}
    for i, one in enumerate(digests):
        label = b"" if labels is None else np.ascontiguousarray(labels[i]).tobytes()
        first.setdefault(one + label, i)
    return np.fromiter(first.values(), dtype=np.intp, count=len(first))


def _check_enough(count: int, removed: int, shares: Sequence[float]) -> None:
    needed = max(math.ceil(least / share - 1e-9) for least, share in zip(MINIMUM.values(), shares, strict=True))
    if count < needed:
        different = f"{count} different samples (and {removed} copies)" if removed else f"{count} samples"
        raise UserError(
            f"data: {different} are too few: the split {' / '.join(f'{s:g}' for s in shares)} needs at least {needed}."
        )


def _units(digests: list[bytes], groups: Array | None) -> list[list[int]]:
    """Sets of samples that must stay together: the connected components of equal inputs and equal groups."""
    parent = list(range(len(digests)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[object, int] = {}
    for i, one in enumerate(digests):
        for key in (one,) if groups is None else (one, ("group", groups[i].item())):
            parent[root(i)] = root(first.setdefault(key, i))
    units: dict[int, list[int]] = {}
    for i in range(len(digests)):
        units.setdefault(root(i), []).append(i)
    return list(units.values())


def _strata(units: list[list[int]], labels: Array | None) -> list[object]:
    """Per unit its class: the most frequent label of its samples, the smallest of those on a tie."""
    if labels is None:
        return [0] * len(units)
    strata: list[object] = []
    for unit in units:
        values, counts = np.unique(labels[unit], return_counts=True)
        strata.append(values[np.argmax(counts)].item())
    return strata


def _deal(units: list[list[int]], strata: list[object], keys: list[bytes], shares: Sequence[float]) -> NDArray[np.intp]:
    """Return the split (0, 1, 2) of every sample."""
    share = np.asarray(shares, dtype=np.float64)
    assigned = np.empty(len(keys), dtype=np.intp)
    missing_overall = np.zeros(3)
    missing = {stratum: np.zeros(3) for stratum in strata}
    # Large units first: what they upset, the small ones even out.
    order = sorted(range(len(units)), key=lambda u: (-len(units[u]), min(keys[i] for i in units[u])))
    for u in order:
        size = len(units[u])
        missing_overall += share * size
        missing[strata[u]] += share * size
        chosen = int(np.argmax(missing_overall + missing[strata[u]]))
        missing_overall[chosen] -= size
        missing[strata[u]][chosen] -= size
        assigned[units[u]] = chosen
    return assigned
