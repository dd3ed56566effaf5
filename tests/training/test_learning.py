"""The loop of training: what a step is, and that a checkpoint continues it."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from autotune.errors import UserError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed (autotune[torch])"
)


def learning(rate: float = 0.01) -> Any:
    import torch

    from autotune.training.learning import Learning

    torch.set_num_threads(1)
    torch.manual_seed(0)
    teacher = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    student = copy.deepcopy(teacher)
    with torch.no_grad():
        student[0].weight.mul_(1.3)
    inputs = {"input": torch.randn(64, 4)}
    return Learning(student, teacher, inputs, steps=20, learning_rate=rate, batch=16, seed=3)


def test_the_student_comes_closer() -> None:
    one = learning()
    first, later = one.train(5, 60.0), one.train(20, 60.0)
    assert later < first / 2 and one.step == 20


def test_a_checkpoint_continues_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, cut, other = learning(), learning(), learning()
    whole.train(20, 60.0)
    cut.train(8, 60.0)
    cut.save(tmp_path / "c.pt", "start")
    other.resume(tmp_path / "c.pt", "another start")
    assert other.step == 0
    other.resume(tmp_path / "c.pt", "start")
    assert other.step == 8
    other.train(20, 60.0)
    pairs = zip(whole.student.parameters(), other.student.parameters(), strict=True)
    assert all(bool((a == b).all()) for a, b in pairs)


def test_time_ends_a_round_after_a_step() -> None:
    one = learning()
    one.train(20, 0.0)
    assert one.step == 1


def test_the_rate_falls_with_the_time_where_that_is_used_up_sooner() -> None:
    one = learning()
    one.train(1, 60.0)
    one.seconds = 1e-9
    before = [p.detach().clone() for p in one.student.parameters()]
    one.train(5, 60.0)
    assert one.step == 5 and all(bool((a == b).all()) for a, b in zip(before, one.student.parameters(), strict=True))


def test_the_time_spent_is_kept(tmp_path: Path) -> None:
    one, other = learning(), learning()
    one.train(1, 60.0)
    spent = one.spent
    one.save(tmp_path / "c.pt", "start")
    other.resume(tmp_path / "c.pt", "start")
    assert other.spent >= spent > 0


def test_a_module_without_batches_is_a_sentence() -> None:
    import torch

    from autotune.training.learning import outputs

    class Single(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.reshape(1, 4)

    with pytest.raises(UserError, match=r"training: the module cannot be run on a batch of 2: .*training\.batch to 1"):
        outputs(Single(), {"x": torch.zeros(2, 4)})


def test_small_tensors_are_not_worth_threads() -> None:
    import torch

    from autotune.training.learning import worth_threads

    for width, worth in ((8, False), (600, True)):
        module = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.Linear(width, 3))
        assert worth_threads(module, {"input": torch.randn(64, 4)}) is worth
