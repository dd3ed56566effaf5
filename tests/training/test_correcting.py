"""Biases take back what quantised weights shift."""

from __future__ import annotations

import copy
import importlib.util
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed (autotune[torch])"
)


def network() -> Any:
    import torch
    from torch import nn

    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*parts, nn.Linear(8 * 4 * 4, 4)).eval()


def images() -> tuple[dict[str, Any], dict[str, Any]]:
    import torch

    return {"input": torch.rand(16, 3, 8, 8)}, {"input": torch.rand(16, 3, 8, 8)}


def test_the_means_of_channels_become_those_of_float() -> None:
    import torch

    from autotune.training.correcting import correct

    teacher = network()
    student = copy.deepcopy(teacher)
    with torch.no_grad():
        for weights in (student[0].weight, student[3].weight, student[6].weight):
            step = weights.abs().max() / 3
            weights.copy_(torch.floor(weights / step) * step)  # rounded down: means are shifted
    seen, others = images()
    apart = (student(others["input"]) - teacher(others["input"])).square().mean()
    assert correct(student, teacher, seen, others)
    assert torch.allclose(student(seen["input"]).mean(0), teacher(seen["input"]).mean(0), atol=1e-5)
    assert (student(others["input"]) - teacher(others["input"])).square().mean() < apart / 4
    assert not any(part._forward_hooks for part in student.modules())


def test_what_brings_nothing_is_left() -> None:
    from autotune.training.correcting import correct

    teacher = network()
    student = copy.deepcopy(teacher)
    assert not correct(student, teacher, *images())
    assert all(bool((a == b).all()) for a, b in zip(student.parameters(), teacher.parameters(), strict=True))
