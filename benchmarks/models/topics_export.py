"""Export MiniLM-L6 with pooling, normalisation and a classifier inside. Runs where PyTorch is."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch
from sklearn.linear_model import LogisticRegression
from transformers import AutoModel, AutoTokenizer

TOKENS = 64
TRAIN, TEST = 2000, 2000
OPSET = 17


class Encoder(torch.nn.Module):
    """Mean of the tokens' vectors, of length 1."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).float()
        return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9), dim=1)


class Classifier(torch.nn.Module):
    def __init__(self, encoder: Encoder, classes: int, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.probe = torch.nn.Linear(width, classes)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.probe(self.encoder(input_ids, attention_mask))


def read(path: str, most: int) -> tuple[list[str], list[str]]:
    """Return topics and texts of some lines, spread over the file; three header lines come first."""
    lines = [line.split("\t", 1) for line in Path(path).read_text(encoding="utf-8").splitlines()[3:] if "\t" in line]
    chosen = np.random.default_rng(0).permutation(len(lines))[:most]
    return [lines[i][0] for i in chosen], [lines[i][1].strip() for i in chosen]


def main() -> None:
    facts, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in facts["encoder"].items():
            shutil.copy(path, Path(scratch) / name)
        tokenizer = AutoTokenizer.from_pretrained(scratch)
        encoder = Encoder(scratch)

    def tokens(texts: list[str]) -> dict[str, Any]:
        return dict(tokenizer(texts, padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt"))

    def embed(given: dict[str, Any]) -> np.ndarray:
        parts = [
            encoder(given["input_ids"][s : s + 64], given["attention_mask"][s : s + 64]) for s in range(0, TRAIN, 64)
        ]
        return torch.cat(parts).numpy()

    topics, texts = read(facts["train"], TRAIN)
    classes = sorted(set(topics))
    with torch.no_grad():
        embedded = embed(tokens(texts))
        fitted = LogisticRegression(C=30, max_iter=2000).fit(embedded, [classes.index(t) for t in topics])
        model = Classifier(encoder, len(classes), embedded.shape[1]).eval()
        model.probe.weight.copy_(torch.from_numpy(fitted.coef_).float())
        model.probe.bias.copy_(torch.from_numpy(fitted.intercept_).float())
        topics, texts = read(facts["test"], TEST)
        given = tokens(texts)
        inputs = {name: given[name] for name in ("input_ids", "attention_mask")}
        export(model, {name: values[:1] for name, values in inputs.items()}, folder)
    labels = np.array([classes.index(topic) for topic in topics])
    np.savez(folder / "data.npz", labels=labels, **{name: values.numpy() for name, values in inputs.items()})


def export(model: torch.nn.Module, sample: dict[str, torch.Tensor], folder: Path) -> None:
    """Write OpenVINO IR, directly from PyTorch, and ONNX."""
    shapes = [(name, list(values.shape), ov.Type.i64) for name, values in sample.items()]
    converted = ov.convert_model(model, example_input=sample, input=shapes)
    converted.outputs[0].get_tensor().set_names({"logits"})
    ov.save_model(converted, folder / "model.xml", compress_to_fp16=False)
    torch.onnx.export(
        model,
        tuple(sample.values()),
        str(folder / "model.onnx"),
        input_names=list(sample),
        output_names=["logits"],
        opset_version=OPSET,
        dynamo=False,
    )


if __name__ == "__main__":
    main()
