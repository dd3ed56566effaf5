"""Trains the small depthwise CNN of the digits recipe with numpy alone and writes digits.onnx.

    python recipes/digits/train.py        (about five minutes on two cores; needs the "dev" extra for onnx)

Trained on the first 250 of each digit in MNIST-5k, moved and turned a little; the recipe measures on the other 2,500.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy import ndimage

from autotune.sources import builtin

Array = NDArray[np.float32]

# (kind, channels out, stride); a kernel of 3 with padding 1, or 1 for the pointwise ones.
LAYERS = (
    ("full", 16, 2),
    ("depthwise", 16, 1), ("pointwise", 32, 1),
    ("depthwise", 32, 2), ("pointwise", 64, 1),
    ("depthwise", 64, 1), ("pointwise", 64, 1),
)  # fmt: skip
TRAINED_ON = 250
EPOCHS = 60
BATCH = 50
RATE = 3e-3
EPSILON = 1e-5


class Layer:
    """A convolution without bias, batch normalisation and ReLU; arrays are (n, height, width, channels)."""

    def __init__(self, kind: str, inputs: int, outputs: int, stride: int, random: np.random.Generator) -> None:
        self.kind, self.stride = kind, stride
        taps = 1 if kind == "pointwise" else 9
        fan_in = taps if kind == "depthwise" else taps * inputs
        shape = (taps, outputs) if kind == "depthwise" else (taps * inputs, outputs)
        self.weight = random.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        self.scale, self.shift = np.ones(outputs, np.float32), np.zeros(outputs, np.float32)
        self.mean, self.variance = np.zeros(outputs, np.float32), np.ones(outputs, np.float32)

    def forward(self, x: Array, training: bool) -> Array:
        self.shape = x.shape
        if self.kind == "pointwise":
            self.taps = x
            y = x @ self.weight
        else:
            self.taps = np.stack([x[:, i : i + h, j : j + w] for i, j, h, w, x in self._windows(x)], axis=-1)
            self.taps = self.taps[:, :: self.stride, :: self.stride]
            if self.kind == "depthwise":
                y = np.einsum("nhwct,tc->nhwc", self.taps, self.weight, optimize=True)
            else:
                y = self.taps.reshape(*self.taps.shape[:3], -1) @ self.weight
        if training:
            mean, variance = y.mean((0, 1, 2)), y.var((0, 1, 2))
            self.mean += 0.05 * (mean - self.mean)
            self.variance += 0.05 * (variance - self.variance)
        else:
            mean, variance = self.mean, self.variance
        self.deviation = np.sqrt(variance + EPSILON)
        self.normal = (y - mean) / self.deviation
        z = self.normal * self.scale + self.shift
        self.active = z > 0
        return z * self.active

    def backward(self, gradient: Array) -> tuple[Array, list[Array]]:
        """Return the gradients of the input and of (weight, scale, shift)."""
        gradient = gradient * self.active
        scale, shift = (gradient * self.normal).sum((0, 1, 2)), gradient.sum((0, 1, 2))
        count = gradient[..., 0].size
        y = (self.scale / self.deviation) * (gradient - shift / count - self.normal * scale / count)
        if self.kind == "pointwise":
            weight = np.einsum("nhwi,nhwo->io", self.taps, y, optimize=True)
            return y @ self.weight.T, [weight, scale, shift]
        if self.kind == "depthwise":
            weight = np.einsum("nhwct,nhwc->tc", self.taps, y, optimize=True)
            taps = y[..., None] * self.weight.T
        else:
            weight = self.taps.reshape(-1, len(self.weight)).T @ y.reshape(-1, y.shape[-1])
            taps = (y @ self.weight.T).reshape(self.taps.shape)
        n, height, width, channels = self.shape
        x = np.zeros((n, height + 2, width + 2, channels), np.float32)
        for t in range(9):
            i, j = divmod(t, 3)
            x[:, i : i + height : self.stride, j : j + width : self.stride] += taps[..., t]
        return x[:, 1:-1, 1:-1], [weight, scale, shift]

    @property
    def at_rest(self) -> tuple[Array, Array]:
        """Factor and shift that batch normalisation amounts to at inference."""
        factor = self.scale / np.sqrt(self.variance + EPSILON)
        return factor, self.shift - self.mean * factor

    @staticmethod
    def _windows(x: Array) -> Iterator[tuple[int, int, int, int, Array]]:
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        for t in range(9):
            yield *divmod(t, 3), x.shape[1], x.shape[2], padded


class Network:
    """The layers, the mean over the image, and a linear classifier of ten digits."""

    def __init__(self, random: np.random.Generator) -> None:
        inputs = 1
        self.layers = []
        for kind, outputs, stride in LAYERS:
            self.layers.append(Layer(kind, inputs, outputs, stride, random))
            inputs = outputs
        self.head = random.normal(0, 0.1, (inputs, 10)).astype(np.float32)
        self.bias = np.zeros(10, np.float32)

    @property
    def parameters(self) -> list[Array]:
        own = [p for layer in self.layers for p in (layer.weight, layer.scale, layer.shift)]
        return [*own, self.head, self.bias]

    def forward(self, x: Array, training: bool = False) -> Array:
        for layer in self.layers:
            x = layer.forward(x, training)
        self.last = x
        self.pooled = x.mean((1, 2))
        return self.pooled @ self.head + self.bias

    def backward(self, gradient: Array) -> list[Array]:
        head = [self.pooled.T @ gradient, gradient.sum(0)]
        size = self.last.shape[1] * self.last.shape[2]
        x = np.broadcast_to((gradient @ self.head.T / size)[:, None, None], self.last.shape)
        found: list[Array] = []
        for layer in reversed(self.layers):
            x, own = layer.backward(x)
            found = own + found
        return found + head


def train(images: Array, labels: NDArray[np.int64], seed: int) -> Network:
    """Adam with a cosine schedule on cross-entropy with smoothed labels."""
    random = np.random.default_rng(seed)
    network = Network(random)
    means = [np.zeros_like(p) for p in network.parameters]
    squares = [np.zeros_like(p) for p in network.parameters]
    steps = EPOCHS * (len(images) // BATCH)
    step = 0
    for epoch in range(EPOCHS):
        moved = np.stack([augment(image, random) for image in images])
        total = 0.0
        for batch in np.array_split(random.permutation(len(images)), len(images) // BATCH):
            scores = network.forward(moved[batch][..., None], training=True)
            likely = np.exp(scores - scores.max(1, keepdims=True))
            likely /= likely.sum(1, keepdims=True)
            wanted = np.full_like(likely, 0.01)
            wanted[np.arange(len(batch)), labels[batch]] = 0.91
            total -= float(np.log(likely[np.arange(len(batch)), labels[batch]] + 1e-9).sum())
            gradients = network.backward((likely - wanted) / np.float32(len(batch)))
            step += 1
            rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            for p, g, m, s in zip(network.parameters, gradients, means, squares, strict=True):
                m[...] += 0.1 * (g - m)
                s[...] += 0.01 * (g * g - s)
                p[...] -= np.float32(rate) * (m / (1 - 0.9**step)) / (np.sqrt(s / (1 - 0.99**step)) + 1e-8)
        print(f"epoch {epoch + 1:2d}: loss {total / len(images):.4f}", flush=True)
    return network


def augment(image: Array, random: np.random.Generator) -> Array:
    """Turn by up to 12 degrees, scale by up to 12 %, shear and move by up to 2 pixels."""
    angle, scale, shear = random.uniform(-0.2, 0.2), random.uniform(0.88, 1.12), random.uniform(-0.15, 0.15)
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, 0], [shear, 1]])
    centre = np.array([13.5, 13.5])
    offset = centre - matrix @ (centre + random.uniform(-2, 2, 2))
    return ndimage.affine_transform(image, matrix, offset, order=1).astype(np.float32)


def write_onnx(network: Network, path: Path) -> None:
    """Write the network for inference: (1, 1, 28, 28) -> (1, 10), batch normalisation folded into the convolutions."""
    nodes, constants, name, inputs = [], [], "image", 1

    def constant(key: str, values: Array) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=np.float32), key))
        return key

    for number, layer in enumerate(network.layers, 1):
        outputs = layer.weight.shape[1]
        factor, bias = layer.at_rest
        weight = layer.weight * factor
        size = 1 if layer.kind == "pointwise" else 3
        groups = inputs if layer.kind == "depthwise" else 1
        # (taps, out) for depthwise, (in * taps, out) for the others -> (out, in / groups, size, size).
        weight = weight.T.reshape(outputs, inputs // groups, size, size)
        key = f"conv{number}_{layer.kind}"
        arguments = [name, constant(f"{key}.weight", weight), constant(f"{key}.bias", bias)]
        shape = {"kernel_shape": [size, size], "strides": [layer.stride] * 2, "pads": [size // 2] * 4, "group": groups}
        nodes.append(helper.make_node("Conv", arguments, [key], name=key, **shape))
        nodes.append(helper.make_node("Relu", [key], [f"{key}_relu"], name=f"{key}_relu"))
        name, inputs = f"{key}_relu", outputs
    nodes.append(helper.make_node("GlobalAveragePool", [name], ["pool"], name="pool"))
    nodes.append(helper.make_node("Flatten", ["pool"], ["features"], name="features"))
    head = ["features", constant("head.weight", network.head), constant("head.bias", network.bias)]
    nodes.append(helper.make_node("Gemm", head, ["digit"], name="head"))
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 28, 28])],
        [helper.make_tensor_value_info("digit", TensorProto.FLOAT, [1, 10])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def main() -> None:
    everything = builtin.load("mnist-5k", {}, print)
    rest = builtin.load("mnist-5k", {"skip_per_digit": TRAINED_ON}, print)
    assert everything.labels is not None
    assert rest.labels is not None
    first = np.concatenate([np.flatnonzero(everything.labels == digit)[:TRAINED_ON] for digit in range(10)])
    network = train(everything.inputs["image"][first, 0], everything.labels[first], seed=0)
    right = network.forward(rest.inputs["image"][:, 0, :, :, None]).argmax(1) == rest.labels
    print(f"accuracy on the {len(right)} digits not trained on: {right.mean():.4f}")
    write_onnx(network, Path(__file__).with_name("digits.onnx"))


if __name__ == "__main__":
    main()
