from __future__ import annotations

import numpy as np
import pytest

from autotune.errors import UserError
from autotune.recipe import TaskSpec
from autotune.text.lengths import choose_length

LENGTHS = np.array([10] * 95 + [100] * 5)


def spec(**more: object) -> TaskSpec:
    return TaskSpec.model_validate({"name": "text-classification", **more})


def test_the_few_longest_texts_are_cut() -> None:
    chosen = choose_length(LENGTHS, spec(), 512)
    assert (chosen.tokens, chosen.longest, chosen.cut) == (16, 100, 5)
    assert chosen.sentence == "Texts have 16 tokens (the longest of 100 has 100); 5 longer ones are cut."


def test_all_are_kept_whole_where_none_is_much_longer() -> None:
    chosen = choose_length(np.arange(1, 101), spec(), 512)
    assert (chosen.tokens, chosen.cut) == (96, 4)
    whole = choose_length(np.array([7, 8]), spec(), 512)
    assert whole.sentence == "Texts have 8 tokens (the longest of 2 has 8); none is cut."


def test_a_length_that_is_given() -> None:
    assert choose_length(LENGTHS, spec(length=12), 512).tokens == 12
    with pytest.raises(UserError, match=r"task.length: the model takes at most 32 tokens, not 64; give less"):
        choose_length(LENGTHS, spec(length=64), 32)


def test_never_beyond_what_the_model_takes() -> None:
    assert choose_length(np.array([600] * 10), spec(), 512).tokens == 512
    assert choose_length(np.array([30] * 10), spec(), 30).tokens == 30


def test_refusing_keeps_all_whole_or_says_which_is_too_long() -> None:
    assert choose_length(LENGTHS, spec(too_long="refuse"), 512).tokens == 104
    with pytest.raises(UserError, match=r"text 95 \(0 first\) has 100 tokens and the model takes at most 64, 5 texts"):
        choose_length(LENGTHS, spec(too_long="refuse"), 64)
    with pytest.raises(UserError, match=r"text 95 \(0 first\) has 100 tokens and task.length is 50"):
        choose_length(LENGTHS, spec(too_long="refuse", length=50), 512)


def test_texts_of_their_own_length_are_cut_by_the_model_only() -> None:
    chosen = choose_length(LENGTHS, spec(shapes="dynamic"), 64)
    assert (chosen.tokens, chosen.cut, chosen.most, chosen.buckets) == (64, 5, 64, ())
    assert sorted(set(chosen.of(LENGTHS))) == [10, 64]
    free = choose_length(LENGTHS, spec(shapes="dynamic"), None)
    assert (free.tokens, free.most) == (100, None)
    assert free.sentence == "Texts have their own lengths, up to 100 tokens (the longest of 100 has 100); none is cut."
    assert choose_length(LENGTHS, spec(shapes="dynamic", length=12), 64).tokens == 12


def test_buckets_that_are_chosen_and_that_are_given() -> None:
    chosen = choose_length(LENGTHS, spec(shapes={"buckets": 2}), 512)
    assert (chosen.buckets, chosen.cut, chosen.most) == ((16, 104), 0, 104)
    # 95 * 16 + 5 * 104 = 2040 tokens, of which 95 * 10 + 5 * 100 = 1450 are not padding.
    assert chosen.sentence == (
        "Texts are padded to 16 or 104 tokens; 29% of all tokens are padding (the longest of 100 has 100); none is cut."
    )
    given = choose_length(LENGTHS, spec(shapes={"buckets": [64, 16]}), 512)
    assert (given.buckets, given.cut) == ((16, 64), 5)
    with pytest.raises(UserError, match=r"task.shapes.buckets: the model takes at most 32 tokens, not 64; give less"):
        choose_length(LENGTHS, spec(shapes={"buckets": [16, 64]}), 32)
    with pytest.raises(UserError, match=r"text 95 \(0 first\) has 100 tokens and task.shapes.buckets is 64"):
        choose_length(LENGTHS, spec(shapes={"buckets": [16, 64]}, too_long="refuse"), 512)
