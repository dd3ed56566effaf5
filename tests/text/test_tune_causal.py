"""A language model: weights of 4 bits where they are asked for, to the winner and back from its solved recipe."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tiny_folders import needs_torch, save_causal, sentences

import autotune
from autotune import recipe
from autotune.measure.profile import runtime_nodes, weight_bits

MAX_SIZE = 30_000  # bytes; with float weights as f16 8 bits take 38,000, and 4 bits 25,000
RECIPE = f"""\
version: 1
model: {{path: folder}}
task: text-generation
data: {{path: data.jsonl}}
tolerance: {{max_drop: 50%, max_size: {MAX_SIZE}}}
budget: {{trials: 4}}
space:
  precision: f32
  schemes: [float, int8-weights]
  forms: off
  bf16_operators: false
  threads: all
  compression: {{symmetry: affine, bits: [8, 4], weight_group: 32}}
"""
LABEL = (
    "int4-weights (weight group 32) of 8 linear layers, int8 per channel in 1 more, affine weights, "
    "float weights stored as f16, rest f32"
)


@needs_torch
def test_the_winner_has_4_bits(tmp_path: Path) -> None:
    """Only these keep the size; the head, the last layer, keeps 8 bits, which is said."""
    save_causal(tmp_path / "folder")
    (tmp_path / "data.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in sentences(80)))
    (tmp_path / "r.yaml").write_text(RECIPE)
    output = tmp_path / "run"
    run = autotune.tune(tmp_path / "r.yaml", output=output, quiet=True)

    trials = run.trials.set_index("trial")
    assert {"float", "int8-weights", "int4-weights"} <= set(trials.scheme)
    summary = json.loads((output / "run.json").read_text())
    winner, notes = summary["winner"], " ".join(summary["notes"])
    compression = winner["configuration"]["compression"]
    assert summary["outcome"] == "winner" and winner["size_bytes"] <= MAX_SIZE
    assert compression["bits"] == 4 and len(compression["per_channel"]) == 1
    assert trials.label[winner["trial"]] == LABEL
    assert "1 of 9 linear layers has 8-bit weights with a scale per output channel (the last layer" in notes
    solved = recipe.load(output / "solved.yaml").space.compression
    assert (solved.bits, solved.weight_group) == ((4,), (32,)) and solved.is_solved_for({"int8-weights"})
    nodes = runtime_nodes(autotune.load(output / "model").get_runtime_model())
    assert Counter(bits for node in nodes if (bits := weight_bits(node))) == {4: 8, 8: 1}
    command = [sys.executable, "-m", "autotune", "apply", output / "solved.yaml", "--output", tmp_path / "again"]
    again = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert again.returncode == 0 and "identical" in again.stdout, again.stderr + again.stdout
    assert "int4-weights" in (output / "report.html").read_text()
