"""Tables with a real tokenizer, task by task; no PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_folders import save_config, save_tokenizer

from autotune.data import Dataset
from autotune.data.answers import Reading, from_labels
from autotune.errors import UserError
from autotune.recipe import TaskSpec
from autotune.text import TASKS, TextModel, encode
from autotune.text.table import Table

W = 5  # the number of the first word, after the special tokens


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_config(tmp_path_factory.mktemp("bert"), id2label={0: "neg", 1: "pos"})


def encoded(folder: Path, frame: dict[str, list[object]], **task: object) -> tuple[Dataset, list[str]]:
    spec = TaskSpec.model_validate({"length": 8, **task})
    table = Table.of(pd.DataFrame(frame), {}, TASKS[spec.name].needs, "data")
    said: list[str] = []
    return encode({"data": table}, spec, TextModel.of(folder), False, said.append)["data"], said


def test_text_classification(folder: Path) -> None:
    rows = {"text": ["w0 w1", "w2"], "label": ["pos", "neg"], "group": ["a", "b"]}
    data, said = encoded(folder, rows, name="text-classification")
    assert data.inputs["input_ids"].tolist() == [[2, W, W + 1, 3, 0, 0, 0, 0], [2, W + 2, 3, 0, 0, 0, 0, 0]]
    assert data.inputs["attention_mask"].tolist() == [[1] * 4 + [0] * 4, [1] * 3 + [0] * 5]
    assert data.labels.tolist() == [1, 0]
    assert data.groups.tolist() == ["a", "b"]
    assert said == ["Texts have 8 tokens (the longest of 2 has 4); none is cut."]


def test_pairs_have_token_types(folder: Path) -> None:
    data, _ = encoded(folder, {"text": ["w0"], "text_pair": ["w1"]}, name="text-classification")
    assert data.inputs["token_type_ids"].tolist() == [[0, 0, 0, 1, 1, 0, 0, 0]]
    assert data.labels is None


def test_a_model_without_token_types_gets_none(tmp_path: Path) -> None:
    data, said = encoded(save_config(tmp_path, type_vocab_size=0), {"text": ["w0"]}, name="text-classification")
    assert set(data.inputs) == {"input_ids", "attention_mask"}
    assert said[1] == "The model has no token types: the tokenizer's token_type_ids are left out."


def test_sentence_similarity_has_two_members(folder: Path) -> None:
    rows = {"text": ["w0", "w1"], "text_pair": ["w2", "w3"], "label": [0.5, 1.0]}
    data, _ = encoded(folder, rows, name="sentence-similarity", length=4)
    assert data.members == 2
    assert data.inputs["input_ids"].tolist() == [[[2, W, 3, 0], [2, W + 2, 3, 0]], [[2, W + 1, 3, 0], [2, W + 3, 3, 0]]]
    assert data.labels.tolist() == [0.5, 1.0]
    assert data.runs().inputs["input_ids"][:, 1].tolist() == [W, W + 2, W + 1, W + 3]


def test_token_classification_asks_the_first_token_of_each_word(folder: Path) -> None:
    rows = {"text": [["w0", "w1-w2"], ["w3"]], "label": [["pos", "neg"], ["pos"]]}
    data, _ = encoded(folder, rows, name="token-classification")
    # The tokenizer makes three tokens of "w1-w2".
    assert data.labels.tolist() == [[-100, 1, 0, -100, -100, -100, -100, -100], [-100, 1] + [-100] * 6]
    with pytest.raises(UserError, match=r"row 0 \(0 first\) has 1 words and 2 labels"):
        encoded(folder, {"text": [["w0"]], "label": [["pos", "neg"]]}, name="token-classification")


def test_question_answering(folder: Path) -> None:
    rows = {
        "text": ["w9"] * 3,
        "text_pair": ["w0  w1 w2", "w0 w1 w2 w3 w4 w5", "w0 w1"],
        "label": ["w1 w2", ["w5", "w1 w2"], {"text": ["w1"], "answer_start": [3]}],
    }
    data, _ = encoded(folder, rows, name="question-answering")
    whole, cut, short = from_labels(data.labels)
    assert whole == Reading("w0  w1 w2", (-1, -1, -1, 0, 4, 7, -1, -1), (-1, -1, -1, 2, 6, 9, -1, -1), ("w1 w2",))
    assert (cut.text, cut.answers) == ("w0 w1 w2 w3", ("w5", "w1 w2"))
    assert (short.text, short.answers) == ("w0 w1", ("w1",))
    for label, said in (
        ("w7", r"the answer of row 0 \(0 first\), 'w7', does not occur in its text"),
        ([], r"must hold an answer, or a list of them; row 0 \(0 first\) is '\[\]'"),
        ([3], r"must hold an answer, or a list of them"),
    ):
        with pytest.raises(UserError, match=said):
            encoded(folder, {"text": ["w9"], "text_pair": ["w0"], "label": [label]}, name="question-answering")


def test_a_question_that_leaves_no_token_for_its_text(folder: Path) -> None:
    """Length 8, of which 3 are special: 4 words leave one for the text, 5 none."""
    longest = {"text": ["w9", "w1 w2 w3 w4"], "text_pair": ["w0", "w0 w1"], "label": ["w0", "w0"]}
    data, _ = encoded(folder, longest, name="question-answering")
    assert from_labels(data.labels)[1].ends == (-1, -1, -1, -1, -1, -1, 2, -1)
    said = (
        r"data: the question of row 1 \(0 first\) has 5 tokens, which leaves none of 8 for its text; shorten or drop it"
    )
    with pytest.raises(UserError, match=said):
        encoded(folder, {**longest, "text": ["w9", "w1 w2 w3 w4 w5"]}, name="question-answering")


def test_fill_mask_hides_the_same_tokens_every_time(folder: Path) -> None:
    rows = {"text": ["w0 w1 w2 w3 w4 w5", "w7"]}
    data, again = (encoded(folder, rows, name="fill-mask")[0] for _ in range(2))
    hidden = data.labels >= 0
    assert hidden.sum(axis=1).tolist() == [1, 1]
    assert (data.inputs["input_ids"][hidden] == 4).all()
    assert data.labels[1, 1] == W + 7
    np.testing.assert_array_equal(data.inputs["input_ids"], again.inputs["input_ids"])


def test_text_generation_asks_for_the_next_token(folder: Path) -> None:
    data, _ = encoded(folder, {"text": ["w0 w1", "w2 w3 w4 w5"]}, name="text-generation")
    assert data.labels.tolist() == [
        [W, W + 1, 3, -100, -100, -100, -100, -100],
        [W + 2, W + 3, W + 4, W + 5, 3, -100, -100, -100],
    ]


def test_words_that_are_too_many_are_cut(folder: Path) -> None:
    data, said = encoded(folder, {"text": ["w0 " * 40]}, name="text-classification")
    assert data.inputs["attention_mask"].sum() == 8
    assert said == ["Texts have 8 tokens (the longest of 1 has 42); 1 longer ones are cut."]


def test_labels_that_do_not_match(folder: Path) -> None:
    with pytest.raises(UserError, match=r"the labels 'good' are not among the model's \('neg', 'pos'\)"):
        encoded(folder, {"text": ["w0"], "label": ["good"]}, name="text-classification")


def test_folders_that_are_not_whole(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere is not a transformers folder"):
        TextModel.of(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"has no config\.json"):
        TextModel.of(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"is not JSON .* cut or damaged"):
        TextModel.of(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserError, match=r"has no weights"):
        TextModel.of(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"has no tokenizer"):
        TextModel.of(tmp_path).tokenizer(False)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(UserError, match=r"the tokenizer of .* cannot be loaded"):
        TextModel.of(tmp_path).tokenizer(False)


def test_the_most_tokens_that_a_model_takes(tmp_path: Path) -> None:
    model = TextModel.of(save_config(tmp_path))
    assert model.limit(model.tokenizer(False)) == 32
    save_tokenizer(tmp_path, limit=20)
    assert model.limit(model.tokenizer(False)) == 20
