"""The loop: a quantised module learns to give the float module's outputs, the labels, or both."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from autotune.errors import UserError
from autotune.files import replacing
from autotune.recipe import LossName
from autotune.training.losses import distance, of_labels

# The least root mean square that a tensor counts with: biases may begin as zeros.
_SMALLEST = 1e-3
# The argument of transformers that says where a text is padded.
_MASK = "attention_mask"
# Part of the names of what NNCF adds.
_QUANTISER = "__nncf_hooks"
# PyTorch's at::internal::GRAIN_SIZE: element-wise operators of fewer elements run in one thread.
_GRAIN = 32768
# A range keeps its sign, and this share of its width: what comes close to 0 loses all that it quantises.
_NARROWER = 8.0


class Learning:
    """A quantised module, its optimiser, and where it stands.

    Batch norms keep their statistics and nothing is dropped out (evaluation mode), so what is trained is what is
    exported. Which samples a step sees depends on seed and step alone: a continued training sees what one that was
    never interrupted sees. Weights and ranges of quantisers are trained alike, by Adam, with a learning rate that falls
    as half a cosine over the steps, or over the time if that is used up sooner. It is relative to the size of each
    tensor (as in Shazeer and Stern's "Adafactor", 2018): what is trained differs in size by orders of magnitude, ranges
    of quantisers most of all.

    Attributes:
        step: steps so far.
        seconds: that all of it may take, with what is done between the rounds.
    """

    def __init__(
        self,
        student: torch.nn.Module,
        teacher: torch.nn.Module,
        inputs: Mapping[str, torch.Tensor],
        *,
        steps: int,
        learning_rate: float,
        batch: int,
        seed: int,
        loss: LossName = "distillation",
        labels: torch.Tensor | None = None,
        labelled: int = 0,
    ) -> None:
        """Take the modules, both in evaluation mode.

        Args:
            inputs: training samples by parameter, first axis = samples.
            steps: that the learning rate falls over.
            labels: of the samples; None is enough for distillation. ``labelled``: the output that they are of.
        """
        self.student = student
        self._teacher = teacher
        self._inputs = inputs
        self._loss, self._labels, self._labelled = loss, labels, labelled
        self._count = len(next(iter(inputs.values())))
        self._batch = min(batch, self._count)
        self._seed, self._steps, self._rate = seed, steps, learning_rate
        self.step, self.seconds = 0, math.inf
        self._begun = time.monotonic()
        trained = [(name, p) for name, p in student.named_parameters() if p.requires_grad]
        self._ranges = [(p, p.detach().clone()) for name, p in trained if _QUANTISER in name]
        groups = [{"params": [p], "size": max(float(p.detach().square().mean().sqrt()), _SMALLEST)} for _, p in trained]
        self._optimizer = torch.optim.Adam(groups, lr=learning_rate)

    def train(self, until: int, seconds: float) -> float:
        """Take steps until ``until`` are done or the time is up, one at least; return their mean loss.

        Raises:
            UserError: the module takes no batches, or the loss is not finite any more.
        """
        ends = time.monotonic() + seconds
        losses: list[float] = []
        while self.step < until and not (losses and time.monotonic() > ends):
            losses.append(self._take_step())
            self.step += 1
        return sum(losses) / max(len(losses), 1)

    def _take_step(self) -> float:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self.step)
        chosen = torch.randperm(self._count, generator=generator)[: self._batch]
        batch = {name: values[chosen] for name, values in self._inputs.items()}
        for group in self._optimizer.param_groups:
            group["lr"] = group["size"] * self._rate * 0.5 * (1 + math.cos(math.pi * self._progress()))
        loss = self._loss_of(batch, None if self._labels is None else self._labels[chosen])
        if not torch.isfinite(loss):
            raise UserError(
                f"training: the loss is not finite at step {self.step}; lower training.learning_rate ({self._rate:g})."
            )
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        with torch.no_grad():
            for parameter, first in self._ranges:
                parameter.copy_(torch.where(first > 0, parameter.clamp(min=first.abs() / _NARROWER), parameter))
        return float(loss.detach())

    @property
    def spent(self) -> float:
        """Seconds since it began, those of the runs that it continues included."""
        return time.monotonic() - self._begun

    def _progress(self) -> float:
        return min(1.0, max(self.step / self._steps, self.spent / self.seconds))

    def _loss_of(self, batch: Mapping[str, torch.Tensor], labels: torch.Tensor | None) -> torch.Tensor:
        given = outputs(self.student, batch)
        terms = []
        if self._loss != "labels":
            with torch.no_grad():
                wanted = outputs(self._teacher, batch)
            terms.append(distance(given, wanted, batch.get(_MASK)))
        if self._loss != "distillation":
            assert labels is not None
            terms.append(of_labels(given[self._labelled], labels))
        return torch.stack(terms).sum()

    def save(self, path: Path, start: str) -> None:
        """Write a checkpoint, whole or not at all; ``start`` names what it is of."""
        with replacing(path) as temporary:
            torch.save(
                {
                    "start": start,
                    "step": self.step,
                    "spent": self.spent,
                    "student": self.student.state_dict(),
                    "optimizer": self._optimizer.state_dict(),
                },
                temporary,
            )

    def resume(self, path: Path, start: str) -> None:
        """Stand where the checkpoint does, if there is one of the same start."""
        if not path.is_file():
            return
        kept: dict[str, Any] = torch.load(path, weights_only=True)
        if kept["start"] == start:
            self.student.load_state_dict(kept["student"])
            self._optimizer.load_state_dict(kept["optimizer"])
            self.step, self._begun = kept["step"], time.monotonic() - kept["spent"]


def outputs(module: torch.nn.Module, inputs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Return the floating-point outputs of a batch.

    Raises:
        UserError: the module cannot run a batch.
    """
    try:
        found = module(**inputs)
    except Exception as error:  # whatever the module's code raises
        count = len(next(iter(inputs.values())))
        raise UserError(
            f"training: the module cannot be run on a batch of {count}: {type(error).__name__}: {str(error)[:200]}; "
            "write its forward for batches, or set training.batch to 1."
        ) from error
    tensors = found if isinstance(found, tuple) else (found,)
    return tuple(tensor for tensor in tensors if tensor.is_floating_point())


def worth_threads(module: torch.nn.Module, inputs: Mapping[str, torch.Tensor]) -> bool:
    """Tell whether a module has tensors that PyTorch gives to several threads; less is faster with one.

    It depends on sizes alone: with another number of threads sums are others, and so is what is trained.
    """
    sizes = [values.numel() for values in inputs.values()]

    def look(_part: torch.nn.Module, _given: object, found: object) -> None:
        sizes.extend(
            f.numel() for f in (found if isinstance(found, tuple) else (found,)) if isinstance(f, torch.Tensor)
        )

    hooks = [part.register_forward_hook(look) for part in module.modules()]
    with torch.no_grad():
        outputs(module, inputs)
    for hook in hooks:
        hook.remove()
    return any(size > _GRAIN for size in sizes)
