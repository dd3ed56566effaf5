"""A model of transformers as an object, with its tokenizer and rows of text: from then on as its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_folders import config, needs_torch, save_model, sentences

import autotune
from autotune.errors import UserError
from autotune.recipe import load


def bert(**more: object) -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    return transformers.BertForSequenceClassification(config(**more)).eval()


@needs_torch
@pytest.mark.slow
def test_an_object_is_tuned_as_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it leaves is what optimum-intel loads, and its own recipe names files only."""
    import torch
    import transformers

    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path / "cache"))
    folder = save_model(tmp_path / "bert", "ForSequenceClassification", id2label={0: "a", 1: "b"})
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model, texts = bert(id2label={0: "a", 1: "b"}), sentences(240)
    with torch.no_grad():
        logits = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.numpy()
    logits -= np.median(logits[:, 0] - logits[:, 1]) * np.array([1, 0])
    columns = {"text": texts, "label": ["ab"[number] for number in logits.argmax(axis=1)]}
    output = tmp_path / "run"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)  # the other one would be saved with its padding
    run = autotune.tune(
        model,
        columns,
        task="text-classification",
        processor=tokenizer,
        max_drop=0.5,
        max_size="60kB",  # int8, no time decides
        trials=1,
        space={"schemes": "int8-static", "placement": "transformer", "preset": "mixed", "forms": "off"},
        output=output,
        quiet=True,
    )

    assert run.outcome == "winner" and run.summary["winner"]["configuration"]["quantization"] is not None
    assert {path.name for path in folder.iterdir()} == {path.name for path in (output / "given" / "model").iterdir()}
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        assert (output / "given" / "model" / name).read_bytes() == (folder / name).read_bytes(), name
    assert json.loads((run.model / "config.json").read_text())["architectures"] == ["BertForSequenceClassification"]
    assert json.loads((run.model / "openvino_config.json").read_text())["input_info"][0]["keyword"] == "input_ids"
    assert transformers.AutoTokenizer.from_pretrained(run.model)("w0")["input_ids"] == [2, 5, 3]
    assert "OVModelForSequenceClassification.from_pretrained" in (run.model / "README.md").read_text()
    solved = load(output / "solved.yaml")
    given = output / "given"
    assert (solved.model.path, solved.data.path) == (str(given / "model"), str(given / "data.jsonl"))
    assert solved.functions == ()


@needs_torch
def test_what_cannot_be_a_folder_is_one_sentence(tmp_path: Path) -> None:
    import torch
    import transformers

    class Own(transformers.BertForSequenceClassification):
        pass

    rows: dict[str, Any] = {"data": {"text": sentences(60)}, "output": tmp_path / "run", "quiet": True}
    texts = {"task": "text-classification", **rows}
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (bert(), texts, "processor: is missing; text-classification prepares .* tokenizer, pass it as processor="),
        (bert(), {**rows, "task": "image-classification"}, "processor: is missing; .*the model's image processor"),
        (bert(), {**rows, "task": "text-clasification"}, "Did you mean 'text-classification'?"),
        (bert(), {**texts, "processor": "bert"}, "processor: str is no tokenizer"),
        (Own(config()), texts, "model: Own is a class of your own"),
        (torch.nn.ReLU(), texts, "model: text-classification needs a model of transformers .*, not ReLU"),
        (bert(), {"metric": "accuracy", **rows, "processor": 3}, "processor: goes with a task"),
    ]
    for model, asked, said in cases:
        with pytest.raises(UserError, match=said):
            autotune.tune(model, **asked)
        assert not (tmp_path / "run").exists(), said
