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
    """The starting point of the all-int8 candidate, as the child that builds gives it."""
    import openvino as ov

    from autotune.configuration import Quantization
    from autotune.data import Dataset
    from autotune.findings import StartingPoint
    from autotune.graph.activations import activation_ranges, graph_operators
    from autotune.graph.normalise import normalise
    from autotune.quantize.factory import CandidateFactory
    from autotune.training.mapping import comparable, makes_new

    model = ov.convert_model(network(), example_input=samples(1), input=[("x", [1, CHANNELS, SIDE, SIDE])])
    model, _ = normalise(model)
    factory = CandidateFactory(model, Dataset({"x": samples(24).numpy()}), tmp_path, 1)
    factory.prepare()
    factory.observe()
    operators = graph_operators(model)
    compared = [operator for operator in operators if comparable(operator)]
    ends = {operator.name for operator in compared if makes_new(operator.kind)}
    ranges = activation_ranges(factory.build(Quantization()), {operator.name for operator in compared}, ends)
    return StartingPoint(operators, ranges)


def trained_from(start: Any) -> tuple[Any, list[str]]:
    from autotune.configuration import Quantization
    from autotune.training.quantizing import quantized

    return quantized(copy.deepcopy(network()), [{"x": one[None]} for one in samples(24)], Quantization(), start)


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
