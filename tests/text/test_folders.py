"""Folders as models: checked, converted by PyTorch in a process of its own, cached."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_folders import (
    LIMIT,
    SPECIAL,
    WORDS,
    needs_torch,
    save_causal,
    save_config,
    save_model,
    save_tokenizer,
    sentences,
)

from autotune import recipe as recipes
from autotune.data import Splits
from autotune.errors import UserError
from autotune.measure.compiled import compile_model
from autotune.measure.score import outputs
from autotune.recipe import Recipe
from autotune.sources.datasets import load_data
from autotune.sources.model import conform_splits, obtain, read, torch_request
from autotune.tasks.metrics import METRICS

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def recipe(folder: Path, frame: dict[str, object], task: str, model: str = "") -> Recipe:
    """A recipe beside the model's folder, and its table."""
    pd.DataFrame(frame).to_json(folder.parent / "data.jsonl", orient="records", lines=True)
    text = f"version: 1\nmodel: {{path: {folder.name}{model}}}\ntask: {task}\ndata: {{path: data.jsonl}}\n"
    (folder.parent / "r.yaml").write_text(text)
    return recipes.load(folder.parent / "r.yaml")


def converted(asked: Recipe, trust_code: bool = False) -> tuple[Splits, dict[str, np.ndarray], list[str]]:
    """The splits, the converted model's outputs on the search split, and what was said."""
    said: list[str] = []
    splits = load_data(asked, trust_code, said.append)
    path = obtain(asked, splits.search, trust_code, said.append)
    model, notes = read(path, {}, splits.search.runs())
    assert notes == []  # it has the data's shapes
    splits = conform_splits(splits, model)
    return splits, outputs(compile_model(model, "f32", 1), splits.search, 0, len(splits.search)), said


def library(folder: Path, auto: str, splits: Splits):
    """What the library itself computes."""
    import torch
    import transformers

    model = getattr(transformers, auto).from_pretrained(folder).eval()
    with torch.no_grad():
        return model(**{name: torch.from_numpy(values) for name, values in splits.search.runs().inputs.items()})


HEADS = {
    "text-classification": ("ForSequenceClassification", ("logits",)),
    "token-classification": ("ForTokenClassification", ("logits",)),
    "question-answering": ("ForQuestionAnswering", ("start_logits", "end_logits")),
    "fill-mask": ("ForMaskedLM", ("logits",)),
}


@needs_torch
@pytest.mark.parametrize("task", HEADS)
def test_each_head_gives_what_the_library_gives(tmp_path: Path, task: str) -> None:
    head, names = HEADS[task]
    folder = save_model(tmp_path / "bert", head)
    asked = recipe(folder, {"text": sentences(60, most=8), "text_pair": sentences(60, 1, most=8)}, task)
    splits, got, said = converted(asked)
    assert tuple(got) == names
    wanted = library(folder, f"AutoModel{head}", splits)
    for name in names:
        np.testing.assert_allclose(got[name], wanted[name].numpy(), atol=1e-4)
    assert f"bert was converted with torch.export (PyTorch {__import__('torch').__version__})." in said


@needs_torch
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_causal_models_are_judged_by_the_library_s_own_loss(tmp_path: Path, kind: str) -> None:
    """Token by token, without a cache, and padding does not count, though the tokenizer has none and pads in front."""
    import torch
    import transformers

    folder = save_causal(tmp_path / "causal", kind)
    texts = sentences(60)
    splits, got, said = converted(recipe(folder, {"text": texts}, "text-generation"))
    assert [*got] == ["logits"]
    assert any("was converted with torch.export" in sentence for sentence in said)
    metric = METRICS["perplexity"](None)
    scores = metric.per_sample(got, splits.search.labels, None)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    for row in range(4):
        ids = splits.search.inputs["input_ids"][row][splits.search.inputs["attention_mask"][row] == 1]
        tokens = torch.from_numpy(ids)[None]
        with torch.no_grad():
            loss = float(model(input_ids=tokens, labels=tokens).loss)
        assert scores[row, 1] == len(ids) - 1
        assert scores[row, 0] / scores[row, 1] == pytest.approx(loss, rel=1e-4)


@needs_torch
@pytest.mark.parametrize(("pooling", "normalize"), [("mean", True), ("cls", False)])
def test_pooling_is_inside_the_graph(tmp_path: Path, pooling: str, normalize: bool) -> None:
    folder = save_model(tmp_path / "bert", "Model")
    task = f"{{name: feature-extraction, pooling: {pooling}, normalize: {str(normalize).lower()}}}"
    splits, got, _ = converted(recipe(folder, {"text": sentences(60)}, task))
    hidden = library(folder, "AutoModel", splits).last_hidden_state.numpy()
    mask = splits.search.inputs["attention_mask"]
    rows = [h[: m.sum()].mean(axis=0) if pooling == "mean" else h[0] for h, m in zip(hidden, mask, strict=True)]
    vectors = np.stack(rows)
    if normalize:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(got["sentence_embedding"], vectors, atol=1e-4)


@needs_torch
def test_the_encoder_of_a_pair_is_a_model(tmp_path: Path) -> None:
    import transformers

    size = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2, "vocab_size": len(SPECIAL + WORDS)}
    transformers.T5EncoderModel(transformers.T5Config(**size)).save_pretrained(tmp_path / "t5")
    save_tokenizer(tmp_path / "t5")
    _, got, said = converted(recipe(tmp_path / "t5", {"text": sentences(60)}, "feature-extraction"))
    assert got["sentence_embedding"].shape[1:] == (32,)
    assert any("t5 was converted with torch.export" in sentence for sentence in said)
    transformers.T5Model(transformers.T5Config(**size)).save_pretrained(tmp_path / "whole")
    save_tokenizer(tmp_path / "whole")
    with pytest.raises(UserError, match=r"model: whole is T5Model, an encoder with a decoder, .* load its encoder"):
        converted(recipe(tmp_path / "whole", {"text": sentences(60)}, "feature-extraction"))


@needs_torch
def test_pairs_are_two_runs(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "bert", "Model")
    frame = {"text": sentences(60), "text_pair": sentences(60, 1), "label": np.linspace(0, 1, 60)}
    splits, got, _ = converted(recipe(folder, frame, "sentence-similarity"))
    assert got["sentence_embedding"].shape == (len(splits.search), 2, 32)
    np.testing.assert_allclose(np.linalg.norm(got["sentence_embedding"], axis=2), 1, atol=1e-5)


@needs_torch
def test_it_is_converted_again_only_where_something_changed(tmp_path: Path, cache: Path) -> None:
    folder = save_model(tmp_path / "bert", "ForSequenceClassification")
    frame = {"text": sentences(60), "label": [i % 2 for i in range(60)]}
    asked = recipe(folder, frame, "text-classification")
    said = converted(asked)[2]
    again = converted(asked)[2]
    assert said[-1].endswith(".") and "before" not in said[-1]
    assert again[-1].endswith("before and is in the cache.")
    assert again[:-1] == said[:-1]  # the samples are cached as well, and what was said of them
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "layer_norm_eps": 1e-5}))
    assert "before" not in converted(asked)[2][-1]
    assert len(list((cache / "models").iterdir())) == 2


CODE = """
import torch
from transformers import BertConfig, BertPreTrainedModel

class OwnConfig(BertConfig):
    model_type = "own"

class OwnForSequenceClassification(BertPreTrainedModel):
    config_class = OwnConfig

    def __init__(self, config):
        super().__init__(config)
        self.classifier = torch.nn.Linear(1, 2)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None):
        values = BODY
        return {"logits": self.classifier(values.reshape(-1, 1))}
"""


def own_code(folder: Path, body: str) -> Path:
    """A model with Python code of its own, in the folder."""
    import torch
    from safetensors.torch import save_file

    save_config(folder, "OwnForSequenceClassification")
    (folder / "own.py").write_text(CODE.replace("BODY", body))
    settings = json.loads((folder / "config.json").read_text())
    auto = {"AutoConfig": "own.OwnConfig", "AutoModelForSequenceClassification": "own.OwnForSequenceClassification"}
    (folder / "config.json").write_text(json.dumps({**settings, "model_type": "own", "auto_map": auto}))
    weights = {"classifier.weight": torch.ones(2, 1), "classifier.bias": torch.zeros(2)}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@needs_torch
def test_own_code_runs_only_where_it_is_asked_for_and_allowed(tmp_path: Path) -> None:
    folder = own_code(tmp_path / "own", "(input_ids * attention_mask).sum(1).float()")
    frame = {"text": sentences(60), "label": [i % 2 for i in range(60)]}
    with pytest.raises(UserError, match=r"own runs Python code of its own; if you trust it, write 'trust_remote_code"):
        converted(recipe(folder, frame, "text-classification"), trust_code=True)
    asked = recipe(folder, frame, "text-classification", ", trust_remote_code: true")
    with pytest.raises(UserError, match=r"would run .*own\.py; read it, then allow it with --trust-code"):
        converted(asked, trust_code=False)
    splits, got, _ = converted(asked, trust_code=True)
    wanted = (splits.search.inputs["input_ids"] * splits.search.inputs["attention_mask"]).sum(axis=1)
    np.testing.assert_allclose(got["logits"][:, 0], wanted, rtol=1e-5)


@needs_torch
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("torch.linalg.eigvals((input_ids.T @ input_ids).float()).real[:1]", r"OpenVINO has no aten[:.]+linalg_eig"),
        ("input_ids[:, 0, 0].float()", r"own cannot be run in PyTorch on these data: IndexError: too many indices"),
    ],
)
def test_a_module_that_cannot_be_exported(tmp_path: Path, body: str, message: str) -> None:
    folder = own_code(tmp_path / "own", body)
    asked = recipe(folder, {"text": sentences(60)}, "text-classification", ", trust_remote_code: true")
    with pytest.raises(UserError, match=message):
        converted(asked, trust_code=True)


@needs_torch
def test_a_head_without_weights_is_not_drawn_at_random(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "bert", "Model")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "architectures": None}))
    with pytest.raises(UserError, match=r"bert has no weights for classifier\.bias, classifier\.weight, which"):
        converted(recipe(folder, {"text": sentences(60)}, "text-classification"))


@needs_torch
def test_cut_weights(tmp_path: Path) -> None:
    folder = save_config(tmp_path / "bert")
    with pytest.raises(UserError, match=r"transformers cannot load bert as AutoModelForSequenceClassification"):
        converted(recipe(folder, {"text": sentences(60)}, "text-classification"))


@pytest.mark.parametrize(
    ("architecture", "task", "message"),
    [
        ("BertModel", "text-classification", "bert is BertModel; that suits feature-extraction"),
        ("BertForMaskedLM", "token-classification", "the head ...ForTokenClassification, bert is BertForMaskedLM;"),
        ("BertForQuestionAnswering", "fill-mask", "bert is BertForQuestionAnswering; that suits question-answering"),
    ],
)  # fmt: skip
def test_a_task_for_another_head(tmp_path: Path, architecture: str, task: str, message: str) -> None:
    folder = save_config(tmp_path / "bert", architecture)
    with pytest.raises(UserError) as raised:
        converted(recipe(folder, {"text": sentences(60)}, task))
    assert message in str(raised.value)


def test_a_text_longer_than_the_model_takes(tmp_path: Path) -> None:
    folder = save_config(tmp_path / "bert")
    texts = [*sentences(60), "w0 " * 50]
    asked = recipe(folder, {"text": texts}, "{name: text-classification, too_long: refuse}")
    with pytest.raises(UserError, match=rf"text 60 \(0 first\) has 52 tokens and the model takes at most {LIMIT}"):
        converted(asked)


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    folder = save_config(tmp_path / "bert")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"has no tokenizer"):
        converted(recipe(folder, {"text": sentences(60)}, "text-classification"))


def test_training_needs_torch_though_the_model_may_be_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_config(tmp_path / "bert")
    asked = recipe(folder, {"text": sentences(60)}, "text-classification\ntraining: {data: {path: data.jsonl}}")
    splits = load_data(asked, False, print)
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    with pytest.raises(UserError, match=r"r\.yaml:4: training: needs PyTorch, which is not installed; pip install"):
        torch_request(asked, splits.search, False)


def test_a_table_and_a_folder_need_a_task(tmp_path: Path) -> None:
    folder = save_config(tmp_path / "bert")
    (tmp_path / "d.csv").write_text("text,label\na,1\n")
    np.savez(tmp_path / "d.npz", x=np.arange(200.0), labels=np.arange(200) % 2)
    with pytest.raises(UserError, match=r"d\.csv is a table; say what to make of it with --task"):
        converted(Recipe.quick(str(folder), str(tmp_path / "d.csv"), "accuracy"))
    with pytest.raises(UserError, match=r"bert is a folder; if it is a transformers model, say what it is for"):
        converted(Recipe.quick(str(folder), str(tmp_path / "d.npz"), "accuracy"))
    with pytest.raises(UserError, match=r"d\.npz is not a table"):
        converted(Recipe.quick(str(folder), str(tmp_path / "d.npz"), "accuracy", {"task": "text-classification"}))


def test_a_function_gives_columns(tmp_path: Path) -> None:
    folder = save_config(tmp_path / "bert")
    code = "def rows():\n    return {'text': [f'w{i % 50} w{i // 50}' for i in range(100)], 'label': [0, 1] * 50}\n"
    (tmp_path / "d.py").write_text(code + "def odd():\n    return {'text': ['a'], 'label': [0, 1]}\n")
    quick = Recipe.quick(str(folder), f"{tmp_path}/d.py:rows", None, {"task": "text-classification"})
    assert quick.metric.name == "accuracy"
    splits = load_data(quick, True, print)
    assert sum(len(part) for _, part in splits.items()) == 100
    with pytest.raises(UserError, match=r"what .*d\.py:odd returned is no table"):
        load_data(quick.with_overrides(data=f"{tmp_path}/d.py:odd"), True, print)


def test_three_tables_have_one_length(tmp_path: Path) -> None:
    save_config(tmp_path / "bert")
    parts = {"calibration": "a", "search": "b", "holdout": "c"}
    for name, most in (("a", 5), ("b", 9), ("c", 20)):
        rows = sentences(30, ord(name), most)
        pd.DataFrame({"t": rows, "label": [i % 2 for i in range(30)]}).to_csv(tmp_path / f"{name}.csv", index=False)
    sources = "".join(f"  {part}: {{path: {name}.csv, columns: {{text: t}}}}\n" for part, name in parts.items())
    (tmp_path / "r.yaml").write_text(f"version: 1\nmodel: {{path: bert}}\ntask: text-classification\ndata:\n{sources}")
    splits = load_data(recipes.load(tmp_path / "r.yaml"), False, print)
    assert {part.inputs["input_ids"].shape[1] for _, part in splits.items()} == {24}


def test_the_tokenizer_decides_the_limit(tmp_path: Path) -> None:
    folder = save_config(tmp_path / "bert")
    save_tokenizer(folder, limit=16)
    splits = load_data(recipe(folder, {"text": sentences(100)}, "text-classification"), False, print)
    assert splits.search.inputs["input_ids"].shape[1] == 16
