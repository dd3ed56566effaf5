from __future__ import annotations

import numpy as np
import pytest

from autotune.errors import UserError
from autotune.text.labels import numbers


def test_names_and_numbers_of_classes() -> None:
    assert numbers(["pos", "neg", "pos"], ["neg", "pos"], "data").tolist() == [1, 0, 1]
    assert numbers([1, 0, np.int64(1), 1.0], ["neg", "pos"], "data").tolist() == [1, 0, 1, 1]
    assert numbers(["1", "0"], ["neg", "pos"], "data").tolist() == [1, 0]


def test_a_name_that_looks_like_a_number_is_a_name() -> None:
    assert numbers([5, 4], ["5", "4"], "data").tolist() == [0, 1]


def test_labels_that_the_model_has_not_are_named_beside_its_own() -> None:
    with pytest.raises(UserError) as raised:
        numbers(["pos", "good", "bad"], ["neg", "pos"], "data")
    assert str(raised.value) == (
        "data: the labels 'bad', 'good' are not among the model's ('neg', 'pos'); rename them in the data, or in "
        "id2label of the model's config.json."
    )
    with pytest.raises(UserError, match=r"the labels '2' are not among"):
        numbers([0, 1, 2], ["neg", "pos"], "data")
    with pytest.raises(UserError, match=r"a label is \[1, 0\], and this task asks for one class; where several"):
        numbers([[1, 0], [0, 1]], ["neg", "pos"], "data")
    with pytest.raises(UserError, match=r"and 4 more"):
        numbers(["x"], [f"class {i}" for i in range(10)], "data")
