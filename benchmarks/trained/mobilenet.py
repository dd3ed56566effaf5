"""An ordinary small MobileNetV2 on digits, its batch norms folded: the network of ``mobilenet.yaml``.

It is trained on the first 250 of each digit of MNIST-5k with PyTorch's AdamW (weight decay 0.01, its default) at a
rate of 0.02; nothing is changed after that but the folding. Channels that died have next to no variance, so folding
multiplies their weights (Sheng et al., "A Quantization-Friendly Separable Convolution for MobileNets", 2018).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

WIDTH, EXPANSION = 8, 4
EPOCHS, BATCH, RATE = 15, 64, 0.02
TRAINED_ON = 250


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


def network() -> nn.Module:
    """Return the trained network, folded; the factory of the recipe."""
    made = folded(Network().eval())
    made.load_state_dict(torch.load(Path(__file__).with_name("weights.pt"), weights_only=True))
    return made


def folded(module: nn.Module) -> nn.Module:
    """Fold each batch norm into the convolution before it, in place."""
    for part in [m for m in module.modules() if isinstance(m, nn.Sequential)]:
        for i in range(len(part) - 1):
            if isinstance(part[i + 1], nn.BatchNorm2d):
                part[i], part[i + 1] = nn.utils.fuse_conv_bn_eval(part[i], part[i + 1]), nn.Identity()
    return module


def make(folder: Path) -> None:
    """Train, and write ``weights.pt``, ``train.npz`` and ``data.npz``, whose digits no training saw."""
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
    made = Network()
    optimizer = torch.optim.AdamW(made.parameters(), RATE)
    each = len(x) // BATCH
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * each)
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for chosen in order[: each * BATCH].split(BATCH):
            moved = torch.roll(x[chosen], torch.randint(-2, 3, (2,)).tolist(), (2, 3))
            loss = nn.functional.cross_entropy(made(moved), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    torch.save(folded(made.eval()).state_dict(), folder / "weights.pt")
    np.savez(folder / "train.npz", image=images)
    np.savez(folder / "data.npz", image=rest.inputs["image"], labels=rest.labels)
