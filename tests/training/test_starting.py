"""Training starts from the ranges that the OpenVINO candidate has, not from those that NNCF finds for PyTorch."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_folders import needs_torch

pytestmark = needs_torch

SIDE, CHANNELS = 8, 6


def network() -> Any:
    import torch
    from torch import nn

    class Network(nn.Module):
        """A depthwise convolution, whose activations have a range per channel, a residual sum and a linear layer."""

        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(CHANNELS, CHANNELS, 1)
            self.deep = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=CHANNELS)
            self.body = nn.Conv2d(CHANNELS, CHANNELS, 1)
            self.last = nn.Linear(CHANNELS, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = torch.relu(self.deep(torch.relu(self.first(x))))
            return self.last((torch.relu(self.body(y)) + y).mean((2, 3)))

    torch.manual_seed(0)
    torch.set_num_threads(1)
    made = Network().eval()
    with torch.no_grad():
        made.first.weight.copy_(torch.eye(CHANNELS).reshape(made.first.weight.shape))
    return made


def samples(count: int) -> Any:
    """Each uses one channel much more than the others."""
    import torch

    values = torch.rand(count, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) / 10
    values[range(count), torch.arange(count) % CHANNELS] += 1
    return values


@pytest.fixture
def start(tmp_path: Path) -> Any:
    return starting_point(network(), "x", samples(24), tmp_path)


def starting_point(module: Any, name: str, values: Any, folder: Path, placement: Any = "plain") -> Any:
    """The starting point of the all-int8 candidate, as the child that builds gives it."""
    import openvino as ov

    from autotune.configuration import Quantization
    from autotune.data import Dataset
    from autotune.findings import StartingPoint
    from autotune.graph.activations import activation_ranges, graph_operators
    from autotune.graph.normalise import normalise
    from autotune.quantize.factory import CandidateFactory
    from autotune.training.mapping import comparable, makes_new

    model = ov.convert_model(module, example_input=values[:1], input=[(name, [1, *values.shape[1:]])])
    model, _ = normalise(model)
    factory = CandidateFactory(model, Dataset({name: values.numpy()}), folder, 1)
    factory.prepare()
    factory.observe()
    operators = graph_operators(model)
    compared = [operator for operator in operators if comparable(operator)]
    ends = {operator.name for operator in compared if makes_new(operator.kind)}
    built = factory.build(Quantization(placement, "mixed") if placement == "transformer" else Quantization())
    return StartingPoint(operators, activation_ranges(built, {operator.name for operator in compared}, ends))


def trained_from(start: Any, module: Any = None) -> tuple[Any, list[str]]:
    from autotune.configuration import Quantization
    from autotune.training.quantizing import quantized

    module = network() if module is None else copy.deepcopy(module)
    return quantized(module, [{"x": one[None]} for one in samples(24)], Quantization(), start)


def error(student: Any) -> float:
    import torch

    x = samples(24)
    with torch.no_grad():
        wanted = network()(x)
        return float(((student.eval()(x) - wanted) ** 2).mean() / wanted.var())


def test_ranges_are_those_of_the_candidate(start: Any) -> None:
    from autotune.training.quantizing import quantizers

    student, remarks = trained_from(start)
    assert remarks == []
    found = [one for name, one in quantizers(student).items() if "post_hooks" in name]
    assert len(found) == len(start.ranges)
    theirs = sorted(tuple(one.scale.detach().reshape(-1).tolist()) for one in found)
    np.testing.assert_allclose(np.concatenate(theirs), np.concatenate(sorted(r.high for r in start.ranges)), rtol=1e-6)
    assert any(len(r.high) == CHANNELS for r in start.ranges), "the depthwise convolution has a range per channel"


def test_what_nncf_finds_for_pytorch_loses_more(start: Any) -> None:
    """If this fails, NNCF's backends have come to agree, and ``training.starting`` may have become needless."""
    from autotune.findings import StartingPoint

    left, remarks = trained_from(StartingPoint((), ()))
    assert len(remarks) == 1 and "quantisers have no like in the OpenVINO model" in remarks[0]
    assert error(trained_from(start)[0]) < 0.2 * error(left)


def test_what_openvino_does_not_quantise_is_not_trained_so(tmp_path: Path) -> None:
    """NNCF quantises what a PixelShuffle reads in PyTorch, which would round the image that the network gives."""
    import torch

    from autotune.training.quantizing import quantizers

    class Enlarging(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
            self.tail = torch.nn.Conv2d(CHANNELS, 4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.pixel_shuffle(self.tail(torch.relu(self.body(x))), 2)

    torch.manual_seed(0)
    module = Enlarging().eval()
    start = starting_point(module, "x", samples(24), tmp_path)
    student, remarks = trained_from(start, module)
    assert remarks == []
    assert sum("post_hooks" in name for name in quantizers(student)) == len(start.ranges)


def looping() -> Any:
    """An attention that is run four times, as in ALBERT; nothing reads what the last one gives."""
    import torch
    from torch import nn

    class Looping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
            self.norm = nn.LayerNorm(WIDTH)

        def layer(self, x: torch.Tensor) -> torch.Tensor:
            query, key, value = (
                part(x).view(1, TOKENS, 2, WIDTH // 2).transpose(1, 2) for part in (self.query, self.key, self.value)
            )
            scores = torch.softmax(torch.matmul(query, key.transpose(2, 3)) * WIDTH**-0.5, -1)
            return self.norm(x + self.out(torch.matmul(scores, value).transpose(1, 2).reshape(1, TOKENS, WIDTH)))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found = [x]
            for _ in range(4):
                found.append(self.layer(found[-1]))
            return found[3]

    torch.manual_seed(0)
    return Looping().eval()


WIDTH, TOKENS = 32, 12


def test_layers_that_are_called_again_start_from_the_range_of_each_call_and_keep_one_set_of_weights(
    tmp_path: Path,
) -> None:
    import openvino as ov
    import torch

    from autotune.configuration import Quantization
    from autotune.training.learning import Learning
    from autotune.training.quantizing import quantized, quantizers
    from autotune.training.written import written

    values = torch.randn(24, TOKENS, WIDTH, generator=torch.Generator().manual_seed(0))
    start = starting_point(looping(), "x", values, tmp_path, "transformer")
    assert sum(operator.kind == "ScaledDotProductAttention" for operator in start.operators) == 3
    rows = [{"x": one[None]} for one in values]
    student, remarks = quantized(looping(), rows, Quantization("transformer", "mixed"), start)
    assert remarks == []
    found = quantizers(student)
    assert len({id(part) for name, part in found.items() if "query/linear" in name and name.endswith("1.0")}) == 1
    theirs = [float(part.get_input_low_input_high()[1].detach()) for part in found.values() if part.scale_shape == (1,)]
    assert all(np.isclose(one.high[0], theirs, rtol=1e-3).any() for one in start.ranges)
    Learning(student.eval(), looping(), {"x": values[:1]}, steps=4, learning_rate=0.01, batch=1, seed=0).train(3, 60.0)
    ov.save_model(written(student, rows[:2]), tmp_path / "model.xml", compress_to_fp16=False)
    assert (tmp_path / "model.bin").stat().st_size < 2 * 4 * WIDTH**2, "weights are stored once"
