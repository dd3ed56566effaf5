"""Quantisation-aware training where the need is real: an ordinary small MobileNetV2, its batch norms folded.

    python -m benchmarks.training [--folder FOLDER]        (needs PyTorch; a few minutes)

It is trained on the first 250 of each digit of MNIST-5k with PyTorch's AdamW (weight decay 0.01, its default) at a
rate of 0.02; nothing is changed after that but the folding. Channels that died have next to no variance, so folding
multiplies their weights (Sheng et al., "A Quantization-Friendly Separable Convolution for MobileNets", 2018). The
recipe asks for one range per tensor of weights, as some accelerators do, and for a size that leaves no room for the
layer that suffers most as floats. Judged on digits that no training saw.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

WIDTH, EXPANSION = 8, 4
EPOCHS, BATCH, RATE = 15, 64, 0.02
TRAINED_ON = 250
RECIPE = """\
version: 1
name: mobilenet
model: {function: "training.py:make"}
data: {path: data.npz}
metric: accuracy
tolerance: {max_drop: 1%, max_size: 30kB}
budget: {trials: 12, timeout: 10m}
space: {schemes: int8-static, precision: f32, weights: {granularity: per-tensor}}
training: {data: {path: train.npz}, steps: 500, learning_rate: 0.01, time: 5m}
"""


def _layers(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]


class Block(nn.Module):  # type: ignore[misc]
    """An inverted residual (Sandler et al., "MobileNetV2", 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        wide = inputs * EXPANSION
        self.body = nn.Sequential(
            *_layers(inputs, wide, 1),
            nn.ReLU6(),
            *_layers(wide, wide, 3, stride, wide),
            nn.ReLU6(),
            *_layers(wide, outputs, 1),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.adds else self.body(x)


class Network(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        w = WIDTH
        self.features = nn.Sequential(
            *(*_layers(1, w, 3, 2), nn.ReLU6(), Block(w, w, 1), Block(w, 2 * w, 2), Block(2 * w, 2 * w, 1)),
            *(Block(2 * w, 4 * w, 2), Block(4 * w, 4 * w, 1), *_layers(4 * w, 8 * w, 1), nn.ReLU6()),
        )
        self.head = nn.Linear(8 * w, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(image).mean((2, 3)))


def make() -> nn.Module:
    """Return the trained network, folded; the factory of the recipe."""
    network = folded(Network().eval())
    network.load_state_dict(torch.load(Path(__file__).with_name("weights.pt"), weights_only=True))
    return network


def folded(network: nn.Module) -> nn.Module:
    """Fold each batch norm into the convolution before it, in place."""
    for part in [m for m in network.modules() if isinstance(m, nn.Sequential)]:
        for i in range(len(part) - 1):
            if isinstance(part[i + 1], nn.BatchNorm2d):
                part[i], part[i + 1] = nn.utils.fuse_conv_bn_eval(part[i], part[i + 1]), nn.Identity()
    return network


def prepare(folder: Path) -> None:
    """Train, and write weights, data and recipe."""
    from autotune.sources import builtin  # the recipe's process needs the network only

    everything = builtin.load("mnist-5k", {}, print)
    rest = builtin.load("mnist-5k", {"skip_per_digit": TRAINED_ON}, print)
    assert everything.labels is not None
    assert rest.labels is not None
    first = np.concatenate([np.flatnonzero(everything.labels == digit)[:TRAINED_ON] for digit in range(10)])
    images, labels = everything.inputs["image"][first], everything.labels[first]
    x, y = torch.tensor(images), torch.tensor(labels).long()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), RATE)
    each = len(x) // BATCH
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * each)
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for chosen in order[: each * BATCH].split(BATCH):
            moved = torch.roll(x[chosen], torch.randint(-2, 3, (2,)).tolist(), (2, 3))
            loss = nn.functional.cross_entropy(network(moved), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    torch.save(folded(network.eval()).state_dict(), folder / "weights.pt")
    np.savez(folder / "train.npz", image=images)
    np.savez(folder / "data.npz", image=rest.inputs["image"], labels=rest.labels)
    (folder / "training.py").write_text(Path(__file__).read_text())
    (folder / "recipe.yaml").write_text(RECIPE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="keeps the run; a temporary one otherwise")
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder)
    command = [sys.executable, "-m", "autotune", "tune", folder / "recipe.yaml", "--trust-code"]
    subprocess.run([*command, "--output", folder / "run"], check=True)
    trials = pd.read_csv(folder / "run" / "trials.csv")
    int8 = trials["scheme"] != "float"
    for name, own in (("static int8", trials["trained"].isna()), ("trained", trials["trained"].notna())):
        drops = trials.loc[int8 & own & (trials["state"] == "complete"), "drop"]
        print(f"{name}: {(int8 & own).sum()} trials, smallest drop on the search split {drops.min():.4f}")
    summary = json.loads((folder / "run" / "run.json").read_text())
    print(json.dumps({"ladder": summary["ladder"], "verdict": summary["verdict"]}, indent=1))


if __name__ == "__main__":
    main()
