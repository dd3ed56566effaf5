"""A tiny BERT whose channels differ in scale: a few are far larger than the rest, as in trained transformers.

Kovaleva et al. ("BERT Busters", 2021) found such channels in every BERT they looked at. Here the model is trained, and
then scales are moved between the layers around attention and in the feed-forward blocks, whose ReLU lets positive
factors through: floats compute the same, int8 with one range per tensor loses most channels. The label of a text, of
words in two halves of the vocabulary, is which half most of them come from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import transformers
from tiny_folders import WORDS, save_config

LENGTH = 12
COUNT = 2600


def sentences_with_labels(seed: int = 1) -> tuple[list[str], list[int]]:
    """Nine words each, and the label."""
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(WORDS), (COUNT, 9))
    labels = (drawn < len(WORDS) // 2).sum(axis=1) > 4
    return [" ".join(WORDS[i] for i in row) for row in drawn], labels.astype(int).tolist()


def make(folder: Path, spread: float = 3.5, steps: int = 200) -> Path:
    """Train the model and write it as a transformers folder, with train.csv and data.csv beside it."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    texts, labels = sentences_with_labels()
    save_config(folder, id2label={0: "other", 1: "most"}, hidden_act="relu")
    model = transformers.BertForSequenceClassification(transformers.AutoConfig.from_pretrained(folder))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
    truth = torch.tensor(labels)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    trained = COUNT - 800
    model.eval()
    for step in range(steps):
        chosen = torch.randperm(trained)[:64]
        logits = model(**{name: values[chosen] for name, values in batch.items()}).logits
        loss = torch.nn.functional.cross_entropy(logits, truth[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / steps)
    _spread(model, spread)
    with torch.no_grad():
        right = model(**{name: values[trained:] for name, values in batch.items()}).logits.argmax(1) == truth[trained:]
    print(f"float accuracy {right.float().mean():.3f}")
    model.save_pretrained(folder)
    for name, rows in (("train", range(trained + 100)), ("data", range(trained, COUNT))):
        body = "".join(f"{texts[i]},{labels[i]}\n" for i in rows)
        (folder.parent / f"{name}.csv").write_text("text,label\n" + body)
    return folder


def _spread(model: torch.nn.Module, spread: float) -> None:
    """Scale channels up in one layer and down in the next: exact for ReLU, and for products of matrices."""
    with torch.no_grad():
        for layer in model.bert.encoder.layer:
            attention = layer.attention.self
            pairs = [
                (layer.intermediate.dense, layer.output.dense, 1),
                (attention.value, layer.attention.output.dense, 1),
                (attention.query, attention.key, 0),
            ]
            for one, other, axis in pairs:
                scales = 2.0 ** torch.empty(len(one.bias)).uniform_(-spread, spread)
                one.weight.mul_(scales[:, None])
                one.bias.mul_(scales)
                other.weight.div_(scales[None, :] if axis else scales[:, None])
                if not axis:
                    other.bias.div_(scales)


if __name__ == "__main__":
    import sys

    make(Path(sys.argv[1]), *(float(a) for a in sys.argv[2:]))
