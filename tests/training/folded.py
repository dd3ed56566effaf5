"""A small depthwise-separable network on digits, trained in the ordinary way, its batch norms folded.

A channel that is (nearly) dead has next to no variance, so folding multiplies its weights by a large factor, although
it says nothing: one range per tensor for the weights is spent on it (Sheng et al., "A Quantization-Friendly Separable
Convolution for MobileNets", 2018). Nothing is changed after training but the folding. Adam at a rate of 0.02 without
weight decay does it here; at 0.01, or with a decay of 0.01, the channels of this network stay alike.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

TRAINED = 900
WIDTH = 16
EPOCHS = 40
RATE = 0.02


def _convolution(inputs: int, outputs: int, size: int, groups: int, folded: bool) -> list[nn.Module]:
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, groups=groups, bias=folded)
    return [layer, nn.ReLU6()] if folded else [layer, nn.BatchNorm2d(outputs), nn.ReLU6()]


class Separable(nn.Module):
    def __init__(self, folded: bool) -> None:
        super().__init__()
        layers = _convolution(1, WIDTH, 3, 1, folded)
        layers += [*_convolution(WIDTH, WIDTH, 3, WIDTH, folded), nn.MaxPool2d(2)]
        layers += _convolution(WIDTH, 2 * WIDTH, 1, 1, folded)
        layers += _convolution(2 * WIDTH, 2 * WIDTH, 3, 2 * WIDTH, folded)
        layers += _convolution(2 * WIDTH, 2 * WIDTH, 1, 1, folded)
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(2 * WIDTH, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(image).mean((2, 3)))


def make() -> nn.Module:
    """Return the trained network, folded; the factory of the recipe."""
    network = Separable(folded=True)
    network.load_state_dict(torch.load(Path(__file__).with_name("folded.pt"), weights_only=True))
    return network


def main(path: Path) -> None:
    """Train on the first digits and write the folded network."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    digits = load_digits()
    images = torch.from_numpy((digits.images[:, None] / 16).astype(np.float32))
    labels = torch.from_numpy(digits.target)
    network = Separable(folded=False)
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(TRAINED).split(64):
            loss = nn.functional.cross_entropy(network(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()
    with torch.no_grad():
        right = network(images[TRAINED:]).argmax(1) == labels[TRAINED:]
    print(f"accuracy on the {len(right)} digits not trained on: {right.float().mean():.3f}")
    folded = Separable(folded=True)
    folded.head = network.head
    own = [m for m in network.features if not isinstance(m, nn.BatchNorm2d)]
    norms = iter([m for m in network.features if isinstance(m, nn.BatchNorm2d)])
    folded.features = nn.Sequential(
        *(nn.utils.fuse_conv_bn_eval(m, next(norms)) if isinstance(m, nn.Conv2d) else m for m in own)
    )
    for number, layer in enumerate(m for m in folded.features if isinstance(m, nn.Conv2d)):
        largest = layer.weight.detach().abs().amax((1, 2, 3))
        print(f"convolution {number}: its largest channel is {largest.max() / largest.median():.0f}x the median")
    torch.save(folded.state_dict(), path)


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))
