"""Labelled samples, their three splits, and how they are dealt out, checked, named by content and stored."""

from autotune.data.lengths import Lengths
from autotune.data.splitting import join, split
from autotune.data.values import (
    Array,
    Dataset,
    Splits,
    digest,
    from_arrays,
    identities,
    labels_are_classes,
    load_saved,
    sample_digests,
    save,
    to_arrays,
    validate,
)

__all__ = [
    "Array",
    "Dataset",
    "Lengths",
    "Splits",
    "digest",
    "from_arrays",
    "join",
    "labels_are_classes",
    "load_saved",
    "identities",
    "sample_digests",
    "save",
    "split",
    "to_arrays",
    "validate",
]
