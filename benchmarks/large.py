"""Peak memory of a run on a large transformer, against its weights: ``python -m benchmarks.large``.

Makes a text encoder of random weights (335 million parameters) and a table of random texts, runs ``autotune tune`` on
them, and samples the memory of that process and all below it: proportional set sizes, so that what processes share
counts once. The aim is at most three times the float model plus 2 GiB. The peak before each line of the run goes to
benchmarks/results/<CPU>/large.csv, the page made of it to large.md.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from benchmarks.instruction_sets import results_folder

GIB = 1 << 30
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = 30_000
INTERVAL = 0.1  # seconds
RECIPE = """version: 1
name: large
model: {{path: model}}
task: text-classification
data: {{path: data.csv}}
metric: accuracy
tolerance: {{max_drop: 0.5}}
space: {{schemes: [{schemes}]}}
"""
# Writes the folder; in a process of its own, as what PyTorch takes here is not a run's.
MAKE = """
import sys
import torch, transformers
torch.manual_seed(0)
config = transformers.BertConfig(
    vocab_size=int(sys.argv[2]), hidden_size=1024, num_hidden_layers=int(sys.argv[3]), num_attention_heads=16,
    intermediate_size=4096, max_position_embeddings=512, id2label={0: "a", 1: "b"},
)
transformers.BertForSequenceClassification(config).save_pretrained(sys.argv[1])
"""


def make(folder: Path, layers: int) -> None:
    """Write model, tokenizer and ``data.csv``."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    subprocess.run([sys.executable, "-c", MAKE, str(folder / "model"), str(VOCABULARY), str(layers)], check=True)
    words = [f"w{i}" for i in range(VOCABULARY - len(SPECIAL))]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate([*SPECIAL, *words])}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder / "model")  # fmt: skip
    random = np.random.default_rng(0)
    rows = [f"{' '.join(random.choice(words, 12))},{'ab'[i % 2]}\n" for i in range(120)]
    (folder / "data.csv").write_text("text,label\n" + "".join(rows))


def watched(command: list[str], environment: dict[str, str]) -> tuple[int, list[tuple[str, dict[str, int]]]]:
    """Run a command; return its exit code and, for each line that it printed, the bytes by process at the peak before.

    What a line tells of is over when it is printed, so the peak since the line before belongs to it; lines that
    announce a phase (they are not indented) belong to what came before them.
    """
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(process.stdout, said), daemon=True).start()
    peaks: list[tuple[str, dict[str, int]]] = []
    highest: dict[str, int] = {}
    phase = "starting"
    while process.poll() is None or not said.empty():
        now = _sizes(process.pid)
        if sum(now.values()) > sum(highest.values()):
            highest = now
        while not said.empty():
            line = said.get().rstrip()
            if highest:
                peaks.append((phase if line[:1].strip() else f"{phase}: {line.strip()}", highest))
                print(_row(*peaks[-1]), flush=True)
                highest = {}
            phase = line if line[:1].strip() else phase
        time.sleep(INTERVAL)
    return process.returncode, [*peaks, (phase, highest)]


def _listen(stream: Iterable[str], said: queue.SimpleQueue[str]) -> None:
    for line in stream:
        said.put(line)


def _sizes(root: int) -> dict[str, int]:
    """Return the proportional set size of each process of a tree, by name, in bytes."""
    found: dict[str, int] = defaultdict(int)
    try:
        processes = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    except psutil.NoSuchProcess:
        return {}
    for one in processes:
        try:
            found[_name(one)] += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return dict(found)


def _row(label: str, sizes: dict[str, int]) -> str:
    parts = ", ".join(f"{name} {size / GIB:.2f}" for name, size in sizes.items())
    return f"{sum(sizes.values()) / GIB:5.2f} GiB  {label[:90]}  ({parts})"


def document(rows: pd.DataFrame, weights: float, limit: float) -> str:
    """Return the page: the peak of each phase, in GiB.

    Args:
        rows: ``phase``, ``said`` and ``gib`` of each line that the run printed.
    """
    top = rows.loc[rows["gib"].idxmax()]
    phases = rows.groupby("phase", sort=False)["gib"].max()
    return "\n".join(
        [
            "# Memory of a run on a large transformer\n",
            "Generated by `python -m benchmarks.large`. All processes of the run together. The weights take",
            f"{weights:.2f} GiB in f32; three times that and 2 GiB are {limit:.2f} GiB.",
            f"The peak is **{top['gib']:.2f} GiB**.\n",
            "| phase | peak, GiB |",
            "|---|---|",
            *(f"| {phase} | {gib:.2f} |" for phase, gib in phases.items()),
            "",
        ]
    )


def _name(process: psutil.Process) -> str:
    known = ("autotune.sources.conversion", "autotune.worker", "autotune.fresh", "autotune")
    line = process.cmdline()
    return next((name for name in known if name in line), "other")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--timeout", default="15m")
    parser.add_argument("--schemes", default="float, int8-static, int8-weights, int8-dynamic", help="that are tried")
    parser.add_argument("--keep", type=Path, help="where all is left; what is there already is not made again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "data.csv").is_file():
            make(folder, asked.layers)
        weights = sum(file.stat().st_size for file in (folder / "model").glob("*.safetensors"))
        limit = 3 * weights + 2 * GIB
        print(f"weights {weights / GIB:.2f} GiB, limit {limit / GIB:.2f} GiB; peak before each line of the run:")
        shutil.rmtree(folder / "run", ignore_errors=True)
        (folder / "recipe.yaml").write_text(RECIPE.format(schemes=asked.schemes))
        command = [
            sys.executable, "-m", "autotune", "tune", str(folder / "recipe.yaml"), "--trials", str(asked.trials),
            "--timeout", asked.timeout, "--output", str(folder / "run"),
        ]  # fmt: skip
        code, peaks = watched(command, {**os.environ, "AUTOTUNE_CACHE": str(folder / "cache")})
        label, sizes = max(peaks, key=lambda peak: sum(peak[1].values()))
        peak = sum(sizes.values())
        if code == 0:
            told = peaks[:-1]  # the last is after the run's last line
            parts = [label.partition(": ") for label, _ in told]
            rows = pd.DataFrame({"phase": [p[0] for p in parts], "said": [p[2] for p in parts]})
            rows["gib"] = [round(sum(each.values()) / GIB, 3) for _, each in told]
            file = results_folder() / "large.csv"
            rows.to_csv(file, index=False)
            file.with_suffix(".md").write_text(document(rows, weights / GIB, limit / GIB))
        print(f"exit code {code}; peak {peak / GIB:.2f} GiB of {limit / GIB:.2f} allowed, {label}")
    sys.exit(code or int(peak > limit))


if __name__ == "__main__":
    main()
