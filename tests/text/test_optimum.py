"""A deployed transformers folder is one that optimum-intel loads, and its outputs there are those that were judged."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from optimum_intel import by_optimum, needs_optimum
from test_folders import recipe
from tiny_folders import needs_torch, save_causal, save_model, sentences

import autotune
from autotune import deploy
from autotune.configuration import Configuration, Quantization
from autotune.graph.normalise import normalise
from autotune.measure.compiled import compile_model, deploy_properties, probe_precisions
from autotune.protocol import Companions
from autotune.quantize.variants import Variants
from autotune.sources.datasets import load_data
from autotune.sources.model import obtain, read
from autotune.text import TASKS

FLOAT = Configuration()
INT8 = Configuration(quantization=Quantization(placement="transformer", preset="mixed"))
WINNERS = {
    "text-classification": FLOAT,
    "question-answering": FLOAT,
    "fill-mask": FLOAT,
    "feature-extraction": FLOAT,
    "text-generation": FLOAT,
    "text-classification int8": INT8,
    "text-classification bf16": Configuration(precision="bf16"),
    "text-classification int8 and bf16": replace(INT8, precision="bf16"),
}
# As autotune's and as optimum-intel's words for them.
DTYPES = {"f32": "fp32", "bf16": "bf16"}


@needs_torch
@needs_optimum
@pytest.mark.slow
@pytest.mark.parametrize("winner", WINNERS)
def test_optimum_gives_the_outputs_that_were_judged(
    tmp_path: Path, winner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, configuration = winner.split(maxsplit=1)[0], WINNERS[winner]
    asked_precision = configuration.precision
    if asked_precision not in probe_precisions():
        pytest.skip(f"this CPU does not compute in {asked_precision}")
    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path / "cache"))
    auto = TASKS[task].auto
    source = tmp_path / "source"
    folder = (
        save_causal(source)
        if task == "text-generation"
        else save_model(source, auto.removeprefix("AutoModel") or "Model")
    )
    asked = recipe(folder, {"text": sentences(60, most=8), "text_pair": sentences(60, 1, most=8)}, task)
    splits = load_data(asked, False, print)
    model, _ = read(obtain(asked, splits.search, False, print), {}, splits.search.runs())
    if configuration.quantization is not None:
        variants = Variants(normalise(model)[0], splits.calibration.runs(), tmp_path / "observed", 2)
        variants.observe()
        model = variants.build(configuration)
    properties = deploy_properties(asked_precision, 2)
    deployed = tmp_path / "model"
    deploy.export(model, properties, deployed, name="m", label=winner, remark="", companions=Companions(folder, auto))

    found, (precision, shape, dtype) = by_optimum(deployed, ["w1 w2 w9"])
    assert (precision, dtype) == (asked_precision, "int8" if configuration.quantization else DTYPES[asked_precision])
    # optimum-intel makes a causal model's shapes dynamic, whatever is asked.
    assert re.fullmatch(r"\[\?,\?\]" if task == "text-generation" else r"\[1,\d+\]", shape)

    tokenizer = __import__("transformers").AutoTokenizer.from_pretrained(deployed)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    length = model.inputs[0].shape[-1]
    texts = ["w1 w2 w9"] * (2 if task == "question-answering" else 1)
    inputs = dict(tokenizer(*texts, padding="max_length", padding_side="right", max_length=length))
    judged = compile_model(model, asked_precision, 2).infer(
        {name: np.array([values]) for name, values in inputs.items()}
    )
    for name, values in judged.items():
        np.testing.assert_array_equal(found[name], values)


# All of it in int8; no time decides.
RECIPE = """\
version: 1
model: {path: bert}
task: text-classification
data: {calibration: {path: calibration.csv}, search: {path: search.csv}, holdout: {path: holdout.csv}}
tolerance: {max_drop: 0.5, max_size: 60kB}
budget: {trials: 1}
space: {schemes: int8-static, placement: transformer, preset: mixed, forms: off, bf16_operators: false}
"""


@needs_torch
@needs_optimum
@pytest.mark.slow
def test_the_int8_winner_of_a_run_answers_as_it_was_judged(tmp_path: Path) -> None:
    """Text by text as the run's own model, and with its scores on the search split and the holdout."""
    save_model(tmp_path / "bert", "ForSequenceClassification")
    texts, parts = sentences(180, most=12), {}
    for number, name in enumerate(("calibration", "search", "holdout")):
        parts[name] = texts[60 * number : 60 * number + 60]
        rows = "".join(f"{text},{i % 2}\n" for i, text in enumerate(parts[name]))
        (tmp_path / f"{name}.csv").write_text("text,label\n" + rows)
    (tmp_path / "r.yaml").write_text(RECIPE)
    run = autotune.tune(tmp_path / "r.yaml", output=tmp_path / "run", quiet=True)
    winner = run.summary["winner"]
    assert run.outcome == "winner" and winner["configuration"]["quantization"] is not None

    found, (precision, _, dtype) = by_optimum(run.model, parts["search"] + parts["holdout"])
    judged_with = json.loads((run.model / "deploy.json").read_text())["CPU"]
    assert (precision, dtype) == (judged_with["INFERENCE_PRECISION_HINT"], "int8")
    tokenizer = __import__("transformers").AutoTokenizer.from_pretrained(run.model)
    compiled = run.load()
    length = compiled.inputs[0].shape[-1]
    judged = [
        compiled(dict(tokenizer(text, padding="max_length", max_length=length, truncation=True, return_tensors="np")))
        for text in parts["search"] + parts["holdout"]
    ]
    np.testing.assert_array_equal(found["logits"], np.concatenate([one["logits"] for one in judged]))
    right = found["logits"].argmax(axis=1) == np.arange(120) % 2
    assert right[:60].mean() == pytest.approx(run.trials.set_index("trial").score[winner["trial"]])
    assert right[60:].mean() == pytest.approx(run.summary["verdict"]["score"])


def test_the_config_says_what_is_in_the_model(tmp_path: Path) -> None:
    import openvino as ov
    import openvino.opset13 as ops

    from autotune.accompany import OPTIMUM_CONFIG, about_optimum, accompany

    ids = ops.parameter([1, 8], np.int64, name="input_ids")
    ids.output(0).set_names({"input_ids"})
    table = ops.constant(np.ones((5, 4), np.int8))
    vectors = ops.gather(ops.convert(table, "f32"), ids, ops.constant(0))
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "config.json").write_text("{}")
    companions = Companions(tmp_path / "source", "AutoModel")
    model = ov.Model([vectors], [ids], "m")
    accompany(companions, model, deploy_properties("bf16", 1), tmp_path)
    written = json.loads((tmp_path / OPTIMUM_CONFIG).read_text())
    assert written["dtype"] == "int8"
    assert written["input_info"] == [{"keyword": "input_ids", "sample_size": [1, 8], "type": "long"}]
    for auto, given in (
        ("AutoModelForTokenClassification", "tokenizer(words, is_split_into_words=True, truncation=True, "),
        ("AutoModelForQuestionAnswering", 'tokenizer(question, text, truncation="only_second", '),
        ("AutoModelForSequenceClassification", "tokenizer(text, truncation=True, "),
    ):
        assert f"{given}padding=" in about_optimum(auto, model, "folder")
