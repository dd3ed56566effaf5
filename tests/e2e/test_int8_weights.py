"""A run on a model of linear layers: which schemes are tried, and a size that only int8 weights keep."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino as ov
import pandas as pd
import pytest
from perceptron_graph import perceptron_graph
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import autotune
from autotune import hardware

TRAINED = 900
MAX_SIZE = 150_000  # bytes; three layers of 64 x 320, 320 x 320 and 320 x 10 have over 500,000 in f32
SPACE = "space: {precision: f32, schemes: [float, int8-weights, int8-dynamic], forms: off, bf16_operators: false}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits of 8 x 8 pixels, a perceptron trained on half of them, and a recipe for the others."""
    made = tmp_path_factory.mktemp("perceptron")
    digits = load_digits()
    pixels = (digits.data / 16).astype(np.float32)
    trained = MLPClassifier((320, 320), max_iter=20, random_state=0).fit(pixels[:TRAINED], digits.target[:TRAINED])
    ov.save_model(perceptron_graph(trained, -1), made / "model.xml", compress_to_fp16=False)
    np.savez(made / "data.npz", pixels=pixels[TRAINED:], labels=digits.target[TRAINED:])
    (made / "recipe.yaml").write_text(
        "version: 1\nname: perceptron\nmodel: {path: model.xml}\ndata: {path: data.npz}\nmetric: accuracy\n"
        f"tolerance: {{max_drop: 3%, max_size: {MAX_SIZE}}}\nbudget: {{trials: 8}}\n{SPACE}\n"
    )
    return made


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autotune", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "code", "stopped", "static"),
    [
        (("--max-latency", "10s"), 0, "No higher rung is needed: trial ", 0),
        (("--min-speedup", "1000x"), 3, "The search ended: its budget of 8 trials is used up.", 1),
    ],
)
def test_the_ladder_ends_where_it_is_fast_enough(
    folder: Path, limit: tuple[str, str], code: int, stopped: str, static: int
) -> None:
    output = folder / limit[0].strip("-")
    text = (folder / "recipe.yaml").read_text().replace(f", max_size: {MAX_SIZE}", "")
    recipe = folder / f"{output.name}.yaml"
    recipe.write_text(text.replace("int8-dynamic]", "int8-dynamic, int8-static]"))
    result = run("tune", recipe, *limit, "--output", output)
    assert result.returncode == code, result.stderr + result.stdout
    ladder = json.loads((output / "run.json").read_text())["ladder"]
    assert ladder["stopped"].startswith(stopped)
    rungs = {rung["name"]: rung for rung in ladder["rungs"]}
    assert rungs["float"]["best"] is not None and rungs["int8 weights"]["trials"] > 0
    assert min(rungs["static int8"]["trials"], 1) == static
    assert "operators take" in rungs["profile"]["found"]
    assert 'id="ladder"' in (output / "report.html").read_text()


@pytest.mark.slow
def test_the_winner_keeps_the_size(folder: Path) -> None:
    output = folder / "run"
    result = run("tune", folder / "recipe.yaml", "--max-memory", "1GB", "--output", output)
    assert result.returncode == 0, result.stderr + result.stdout
    summary = json.loads((output / "run.json").read_text())
    winner = summary["winner"]
    assert summary["outcome"] == "winner" and winner["meets_size"]
    assert winner["size_bytes"] <= MAX_SIZE < summary["model"]["size_bytes"]
    peaks = [finalist["peak_memory_bytes"] for finalist in summary["finalists"]]
    assert winner["meets_memory"] and all(0 < peak < 1e9 for peak in peaks), "each was measured"
    assert summary["peak_memory"]["winner"] in peaks and summary["peak_memory"]["float"] in peaks
    assert "; 1,000 MB were asked for." in summary["sentence"] and "memory" in result.stdout
    compression = winner["configuration"]["compression"]
    assert {"layer0", "layer1"} <= set(compression["operators"])
    assert winner["configuration"]["float_weights"] == "f16", "from the start, where float f32 is too large"

    trials = pd.read_csv(output / "trials.csv")
    dynamic = not hardware.can_saturate(hardware.flags(), hardware.instruction_set())
    plain = trials[trials.origin == "plain"]  # others come between them
    assert set(plain.scheme[:4]) == {"float", "int8-weights", *(["int8-dynamic"] if dynamic else [])}
    assert dynamic or "Scheme int8-dynamic left out" in " ".join(summary["notes"])
    drops = trials.drop_duplicates("scheme").set_index("scheme")["drop"]
    assert (drops < 0.02).all()

    properties = json.loads((output / "model" / "deploy.json").read_text())["CPU"]
    assert properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] == str(compression["dynamic_group"])
    compiled = autotune.load(output / "model")
    assert str(compiled.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE")) == str(compression["dynamic_group"])
    again = run("apply", output / "solved.yaml", "--output", folder / "again")
    assert again.returncode == 0 and "identical" in again.stdout, again.stderr + again.stdout
    scheme = "int8-dynamic" if compression["dynamic_group"] else "int8-weights"
    assert scheme in (output / "report.html").read_text()


@pytest.mark.slow
def test_a_size_and_a_memory_that_nothing_keeps(folder: Path) -> None:
    output = folder / "unmet"
    result = run(
        "tune", folder / "recipe.yaml", "--max-size", "1kB", "--max-memory", "9kB", "--trials", "3", "--output", output
    )
    assert result.returncode == 3, result.stderr + result.stdout
    summary = json.loads((output / "run.json").read_text())
    assert summary["outcome"] == "constraint-unmet"
    assert "The asked size of 0.001 MB is not met" in summary["sentence"]
    assert "The asked peak memory of 0.009 MB is not met" in summary["sentence"]
    assert (output / "model" / "README.md").read_text().count("Best effort, what was asked is not met.") == 1


FLOAT_ONLY = "space: {precision: f32, schemes: float, forms: off, bf16_operators: false, threads: all}"


@pytest.mark.slow
@pytest.mark.parametrize("limit", [(), ("--max-size", "300kB")])
def test_float_weights_are_stored_as_f16_where_that_changes_no_verdict(folder: Path, limit: tuple[str, ...]) -> None:
    """The float model has over 500,000 bytes in f32: with f16 it keeps the size, and is what was judged."""
    output = folder / f"f16{len(limit)}"
    recipe = folder / "float.yaml"
    text = (folder / "recipe.yaml").read_text().replace(f", max_size: {MAX_SIZE}", "")
    recipe.write_text(text.replace(SPACE, FLOAT_ONLY).replace("trials: 8", "trials: 2"))
    result = run("tune", recipe, *limit, "--output", output)
    assert result.returncode == 0, result.stderr + result.stdout
    summary = json.loads((output / "run.json").read_text())
    storage, winner = summary["storage"], summary["winner"]
    assert winner["configuration"]["float_weights"] == storage["float_weights"] == "f16"
    assert winner["size_bytes"] == storage["f16_bytes"] < 0.6 * storage["f32_bytes"]
    assert (output / "model" / "openvino_model.bin").stat().st_size == pytest.approx(storage["f16_bytes"], abs=300)
    assert storage["f16_drop"] <= 0.05 * summary["goal"]["tolerance"]
    assert storage["sentence"] in result.stdout and storage["sentence"] in summary["notes"]
    assert summary["export_check"]["equal"] == "bitwise"
    trials = pd.read_csv(output / "trials.csv").set_index("trial")
    assert trials.origin[winner["trial"]] == ("plain" if limit else "storage")
    assert trials.float_weights[winner["trial"]] == "f16"
    assert "float_weights: f16" in (output / "solved.yaml").read_text()
    again = run("apply", output / "solved.yaml", "--output", folder / f"again{len(limit)}")
    assert again.returncode == 0 and "identical" in again.stdout, again.stderr + again.stdout
    written = [d / "openvino_model.bin" for d in (output / "model", folder / f"again{len(limit)}")]
    assert written[0].read_bytes() == written[1].read_bytes()
