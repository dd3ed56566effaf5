"""A small depthwise-separable network on digits whose channels differ in scale, as MobileNets' do.

The scales are moved between layers after training (Nagel et al., "Data-Free Quantization Through Weight Equalization
and Bias Correction", 2019, show that trained networks have them and undo it): floats compute the same, int8 with one
range per tensor loses most channels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

TRAINED = 900
WIDTH = 24
# Of the scales, as powers of 2, between which channels differ.
SPREAD = 2.75


class Separable(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(1, WIDTH, 3, padding=1)
        self.depthwise = torch.nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH)
        self.pointwise = torch.nn.Conv2d(WIDTH, 2 * WIDTH, 1)
        self.head = torch.nn.Linear(2 * WIDTH, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(image))
        x = torch.relu(self.depthwise(x))
        x = torch.relu(self.pointwise(torch.nn.functional.max_pool2d(x, 2)))
        return self.head(x.mean((2, 3)))


def make() -> torch.nn.Module:
    """Return the trained network; the factory of the recipe."""
    network = Separable()
    network.load_state_dict(torch.load(Path(__file__).with_name("uneven.pt"), weights_only=True))
    return network


def main(folder: Path) -> None:
    """Train, spread the scales, and write weights and data beside a copy of this file."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    digits = load_digits()
    images = torch.from_numpy((digits.images[:, None] / 16).astype(np.float32))
    labels = torch.from_numpy(digits.target)
    network = Separable()
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(100):
        for chosen in torch.randperm(TRAINED).split(64):
            loss = torch.nn.functional.cross_entropy(network(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    _spread(network)
    torch.save(network.state_dict(), folder / "uneven.pt")
    np.savez(folder / "train.npz", image=images[:TRAINED].numpy())
    np.savez(folder / "data.npz", image=images[TRAINED:].numpy(), labels=digits.target[TRAINED:])


def _spread(network: Separable) -> None:
    """Scale the channels between layers up here and down there; ReLU and pooling let positive factors through."""
    with torch.no_grad():
        for before, after in ((network.first, network.depthwise), (network.depthwise, network.pointwise)):
            scales = 2.0 ** torch.empty(WIDTH).uniform_(-SPREAD, SPREAD)
            before.weight.mul_(scales[:, None, None, None])
            before.bias.mul_(scales)
            per_input = scales[:, None, None, None] if after is network.depthwise else scales[None, :, None, None]
            after.weight.div_(per_input)


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))
