"""A network that makes pictures twice as large, and pictures of objects: the model and data of ``enlarge.yaml``.

Convolutions at the small size whose last channels are the pixels of the large one (Shi et al., "Real-Time Single Image
and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network", 2016). It is trained here, on
half of Tux Paint's stamps, from pictures made smaller; the error is judged on the other half.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

SIDE, SCALE = 48, 2  # of the small picture, in pixels; how many times larger the other is
WIDTH, LAYERS = 32, 6
SMALLEST, LIVELY = 128, 20  # of a picture, in pixels; the least standard deviation of a part of it, of 255
TRAINED_PARTS, JUDGED_PARTS, TRIES = 12, 6, 40  # of a picture
STEPS, BATCH, PATCH, RATE = 7000, 16, 32, 2e-3
WEIGHTS = "weights.pth"

Parts = list[tuple[NDArray[np.uint8], int]]


class Enlarging(nn.Module):  # type: ignore[misc]
    """(n, 3, height, width) colours from 0 to 1 to those of twice the height and width."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 5, padding=2), nn.ReLU()]
        for _ in range(LAYERS - 2):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(WIDTH, 3 * SCALE**2, 3, padding=1)
        self.layers = nn.Sequential(*layers, last, nn.PixelShuffle(SCALE))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def network() -> nn.Module:
    """Return the network with the weights that :func:`make` left beside this file; the factory of the recipe."""
    made = Enlarging()
    made.load_state_dict(torch.load(Path(__file__).parent / WEIGHTS, weights_only=True))
    return made.eval()


def make(folder: Path) -> None:
    """Write data.npz, train.npz of other pictures, and the weights of a network that learned from the latter."""
    from benchmarks.models.common import unpack
    from benchmarks.trained.objects import STAMPS, STAMPS_SHA256, stamps

    random = np.random.default_rng(0)
    pictures = []
    with tempfile.TemporaryDirectory() as scratch:
        unpack(STAMPS, STAMPS_SHA256, Path(scratch))
        for picture in stamps(Path(scratch) / "usr/share/tuxpaint/stamps"):
            if min(picture.size) >= SMALLEST:
                paper = Image.new("RGBA", picture.size, (255, 255, 255, 255))
                paper.alpha_composite(picture)
                pictures.append(np.asarray(paper.convert("RGB")))
    trained, judged = np.array_split(random.permutation(len(pictures)), 2)
    small, large, _ = _pairs(_parts(pictures, trained, TRAINED_PARTS, random))
    np.savez(folder / "train.npz", x=small, labels=large)
    torch.save(_learned(torch.tensor(small), torch.tensor(large)).state_dict(), folder / WEIGHTS)
    small, large, groups = _pairs(_parts(pictures, judged, JUDGED_PARTS, random))
    np.savez(folder / "data.npz", x=small, labels=large, groups=groups)


def _parts(
    pictures: Sequence[NDArray[np.uint8]], chosen: NDArray[np.int_], count: int, random: np.random.Generator
) -> Parts:
    """Return up to ``count`` parts of each picture that show something, and its number."""
    side, found = SIDE * SCALE, []
    for i in chosen.tolist():
        picture, mine = pictures[i], 0
        for _ in range(TRIES):
            y, x = (int(random.integers(0, extent - side + 1)) for extent in picture.shape[:2])
            part = picture[y : y + side, x : x + side]
            if mine < count and part.std() > LIVELY:
                found.append((part, i))
                mine += 1
    return found


def _pairs(parts: Parts) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int_]]:
    """Return the parts made small, the parts, both with values from 0 to 1, and the numbers of their pictures."""
    half = [np.asarray(Image.fromarray(part).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for part, _ in parts]
    small, large = (
        (np.stack(values).transpose(0, 3, 1, 2) / 255).astype(np.float32) for values in (half, [p for p, _ in parts])
    )
    return small, large, np.array([i for _, i in parts])


def _learned(small: torch.Tensor, large: torch.Tensor) -> nn.Module:
    """Return a network that has the least mean absolute error on patches of the parts, mirrored or turned as well."""
    torch.manual_seed(0)
    made = Enlarging().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(made.parameters(), lr=RATE)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        chosen = torch.randint(len(small), (BATCH,))
        y, x = torch.randint(SIDE - PATCH + 1, (2,)).tolist()
        given, wanted = (
            values[chosen, :, y * scale : (y + PATCH) * scale, x * scale : (x + PATCH) * scale]
            for values, scale in ((small, 1), (large, SCALE))
        )
        if torch.rand(()) < 0.5:
            given, wanted = given.flip(-1), wanted.flip(-1)
        if torch.rand(()) < 0.5:
            given, wanted = given.transpose(2, 3), wanted.transpose(2, 3)
        loss = (made(given.contiguous(memory_format=torch.channels_last)) - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return made.to(memory_format=torch.contiguous_format)
