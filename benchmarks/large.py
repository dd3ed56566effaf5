"""Peak memory of a run on a large transformer, against its weights: ``python -m benchmarks.large``.

Makes a text encoder of random weights (335 million parameters) and a table of random texts, runs ``autotune tune`` on
them, and samples the memory of that process and all below it: proportional set sizes, so that what processes share
counts once. The aim is at most three times the float model plus 2 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import psutil

GIB = 1 << 30
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = 30_000
INTERVAL = 0.1  # seconds
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


def make(folder: Path, layers: int) -> int:
    """Write model, tokenizer and ``data.csv``; return the bytes of the weights."""
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
    return sum(file.stat().st_size for file in (folder / "model").glob("*.safetensors"))


def watched(command: list[str], environment: dict[str, str]) -> tuple[int, dict[str, int], dict[str, int]]:
    """Run a command; return its exit code, bytes by process at the moment of the peak, and each process's own peak."""
    process = subprocess.Popen(command, env=environment)
    highest: dict[str, int] = {}
    each: dict[str, int] = defaultdict(int)
    while process.poll() is None:
        now: dict[str, int] = defaultdict(int)
        for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
            try:
                now[_name(one)] += one.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied, IndexError):
                continue
        for name, size in now.items():
            each[name] = max(each[name], size)
        if sum(now.values()) > sum(highest.values()):
            highest = dict(now)
        time.sleep(INTERVAL)
    return process.returncode, highest, dict(each)


def _name(process: psutil.Process) -> str:
    known = ("autotune.sources.conversion", "autotune.worker", "autotune.fresh", "autotune")
    line = process.cmdline()
    return next((name for name in known if name in line), "other")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--timeout", default="15m")
    parser.add_argument("--keep", type=Path, help="where everything is left; a folder that does not exist")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        weights = make(folder, asked.layers)
        limit = 3 * weights + 2 * GIB
        command = [
            sys.executable, "-m", "autotune", "tune", str(folder / "model"), "--data", str(folder / "data.csv"),
            "--task", "text-classification", "--max-drop", "0.5", "--trials", str(asked.trials),
            "--timeout", asked.timeout, "--output", str(folder / "run"),
        ]  # fmt: skip
        code, highest, each = watched(command, {**os.environ, "AUTOTUNE_CACHE": str(folder / "cache")})
        peak = sum(highest.values())
        print(f"weights {weights / GIB:.2f} GiB; peak {peak / GIB:.2f} GiB of {limit / GIB:.2f} allowed")
        print(json.dumps({"at the peak": _gib(highest), "each": _gib(each), "exit code": code}))
    sys.exit(code or int(peak > limit))


def _gib(sizes: dict[str, int]) -> dict[str, float]:
    return {name: round(size / GIB, 2) for name, size in sizes.items()}


if __name__ == "__main__":
    main()
