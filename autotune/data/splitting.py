"""Which sample goes into which split: by seed and content, stratified, with nothing shared between splits."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from autotune.counts import counted
from autotune.data.values import Array, Dataset, Splits, identities, sample_digests
from autotune.errors import UserError

# Fewer than these say nothing: ranges from a handful of samples, a score in steps of 10 points.
MINIMUM = {"calibration": 4, "search": 10, "holdout": 10}
# Of groups, where samples come in groups: how sure a score is shows in how the groups differ.
FEWEST_GROUPS = {"calibration": 1, "search": 2, "holdout": 2}


def split(dataset: Dataset, shares: Sequence[float], seed: int, stratify: bool) -> Splits:
    """Deal the samples out to calibration, search and holdout.

    Samples whose inputs and label are all equal are kept once. Samples whose inputs are equal but whose labels
    are not, and samples of one group, go to the same split. The order of dealing is that of a hash of seed and
    content, so that it depends neither on the order of the samples nor on a random generator's version; each unit
    goes where most is missing, in its class and overall, which keeps every count within a few samples of its share;
    where groups differ in size, the number of groups counts as well, for that is what makes a score sure. Every split
    is in hash order too, so that any prefix of it is a fair sample of it; in search and holdout, the splits that are
    scored, whole groups are.

    Args:
        shares: of the three splits, positive, summing to 1.
        stratify: keep the proportions of the labels (classes) in every split.

    Raises:
        UserError: there are too few samples, or groups too large to deal out; says how many are needed.
    """
    equal = identities(dataset)
    kept = _first_of_each(equal, dataset.labels)
    removed = len(dataset) - len(kept)
    _check_enough(len(kept), removed, shares)
    digests = sample_digests(dataset.take(kept))
    keys = [_key(seed, one) for one in digests]
    units = _units([equal[i] for i in kept], None if dataset.groups is None else dataset.groups[kept])
    strata = _strata(units, dataset.labels[kept] if stratify and dataset.labels is not None else None)
    assigned = _deal(units, strata, keys, shares, count_units=dataset.groups is not None)
    hashed = sorted(range(len(kept)), key=lambda i: keys[i])
    together = hashed if dataset.groups is None else _whole(units, keys)
    orders = (hashed, together, together)
    parts = [dataset.take(kept[[i for i in order if assigned[i] == k]]) for k, order in enumerate(orders)]
    for (name, least), part in zip(MINIMUM.items(), parts, strict=True):
        if len(part) < least or _too_few_groups(part, name):
            raise UserError(
                f"data: the {name} split gets {_size(part)} and needs {least}{_and_groups(part, name)}, because the "
                f"groups are too few or too large ({len(units)} for {counted(len(kept), 'sample')}); give more groups."
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
        digests, equal = sample_digests(dataset), identities(dataset)
        groups = [] if dataset.groups is None else [("group", group.item()) for group in dataset.groups]
        kept = [
            i
            for i in _first_of_each(equal, dataset.labels)
            if equal[i] not in seen and not (groups and groups[i] in seen)
        ]
        if len(kept) < MINIMUM[name]:
            gone = (
                f" without {counted(len(dataset) - len(kept), 'copy', 'copies')} of others (or members of their groups)"
                if len(kept) < len(dataset)
                else ""
            )
            raise UserError(
                f"data.{name}: has {counted(len(kept), 'sample')}{gone} and needs at least {MINIMUM[name]}."
            )
        part = dataset.take(_in_order(kept, [_key(seed, one) for one in digests], groups, name))
        if _too_few_groups(part, name):
            raise UserError(f"data.{name}: has {_size(part)} and needs at least {FEWEST_GROUPS[name]} groups.")
        seen.update(equal, groups)
        removed += len(dataset) - len(kept)
        parts.append(part)
    return Splits(parts[2], parts[1], parts[0], removed)


def _in_order(kept: Iterable[int], keys: Sequence[bytes], groups: Sequence[Hashable], name: str) -> list[int]:
    if not groups or name == "calibration":
        return sorted(kept, key=lambda i: keys[i])
    units: dict[Hashable, list[int]] = {}
    for i in kept:
        units.setdefault(groups[i], []).append(i)
    return _whole(units.values(), keys)


def _whole(units: Iterable[Sequence[int]], keys: Sequence[bytes]) -> list[int]:
    """Return all samples, unit by unit, both in the order of hashes."""
    ordered = [sorted(unit, key=lambda i: keys[i]) for unit in units]
    # A hash of all keys: the least of many keys would put large units first.
    ordered.sort(key=lambda unit: hashlib.sha256(b"".join(keys[i] for i in unit)).digest())
    return [i for unit in ordered for i in unit]


def _too_few_groups(part: Dataset, name: str) -> bool:
    return part.groups is not None and len(np.unique(part.groups)) < FEWEST_GROUPS[name]


def _size(part: Dataset) -> str:
    groups = 0 if part.groups is None else len(np.unique(part.groups))
    return counted(len(part), "sample") + (f" in {counted(groups, 'group')}" if groups else "")


def _and_groups(part: Dataset, name: str) -> str:
    return f" in {FEWEST_GROUPS[name]} groups" if _too_few_groups(part, name) else ""


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
        copies = f" (and {counted(removed, 'copy', 'copies')})" if removed else ""
        different = counted(count, "different sample" if removed else "sample") + copies
        raise UserError(
            f"data: {different} {'is' if count == 1 else 'are'} too few: the split "
            f"{' / '.join(f'{s:g}' for s in shares)} needs at least {needed}."
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


def _deal(
    units: list[list[int]], strata: list[object], keys: list[bytes], shares: Sequence[float], *, count_units: bool
) -> NDArray[np.intp]:
    """Return the split (0, 1, 2) of every sample.

    Args:
        count_units: units are to be shared out as well, not only samples; of no effect where all are of one size.
    """
    share = np.asarray(shares, dtype=np.float64)
    sizes = {len(unit) for unit in units}
    average = len(keys) / len(units) if count_units and len(sizes) > 1 else 0.0
    missing_units = np.zeros(3)
    assigned = np.empty(len(keys), dtype=np.intp)
    missing_overall = np.zeros(3)
    missing = {stratum: np.zeros(3) for stratum in strata}
    # Large units first: what they upset, the small ones even out.
    order = sorted(range(len(units)), key=lambda u: (-len(units[u]), min(keys[i] for i in units[u])))
    for u in order:
        size = len(units[u])
        missing_overall += share * size
        missing[strata[u]] += share * size
        missing_units += share * average
        chosen = int(np.argmax(missing_overall + missing[strata[u]] + missing_units))
        missing_overall[chosen] -= size
        missing[strata[u]][chosen] -= size
        missing_units[chosen] -= average
        assigned[units[u]] = chosen
    return assigned
