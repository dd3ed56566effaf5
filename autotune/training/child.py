"""The process that trains. Started by ``runner``; answers ``messages`` until its end."""

from __future__ import annotations

import copy
import hashlib
import sys
from dataclasses import asdict
from multiprocessing.connection import Connection

import numpy as np
import openvino as ov
import torch

from autotune import data
from autotune.graph.inspect import model_digest
from autotune.serving import serve
from autotune.sources.conversion import as_tensor, load_network, named
from autotune.training.correcting import correct
from autotune.training.learning import Learning, worth_threads
from autotune.training.messages import Ready, Train, Trained, TrainingSetup
from autotune.training.quantizing import as_tensors, quantized
from autotune.training.written import written

# Samples that a written model is compared with the module on.
_EXAMPLES = 4
# Samples that biases are corrected by, and as many that this is judged by.
_SEEN = 16


class Trainer:
    """Holds the quantised module and trains it round by round.

    Raises:
        UserError: the module cannot be made or run.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        torch.manual_seed(setup.seed)
        torch.set_num_threads(setup.threads)
        self._setup = setup
        self._start = _start(setup)
        calibration = data.load_saved(setup.splits).calibration.runs()
        with np.load(setup.samples, allow_pickle=False) as archive:
            samples = data.from_arrays(archive)["training"]
        first = {name: as_tensor(values) for name, values in calibration.row(0).items()}
        self._network = load_network(setup.source, first)
        parameters = self._network.inputs
        rows = [as_tensors(calibration.row(i), parameters) for i in range(len(calibration))]
        self._examples = rows[:_EXAMPLES]
        teacher = copy.deepcopy(self._network.module)
        student, remarks = quantized(self._network.module, rows, setup.quantization, setup.start)
        inputs = as_tensors(samples.inputs, parameters)
        worth = worth_threads(teacher, {name: values[: setup.batch] for name, values in inputs.items()})
        torch.set_num_threads(setup.threads if worth else 1)
        student, teacher = student.eval(), teacher.eval()
        half = min(len(calibration) // 2, _SEEN)
        if half and setup.batch > 1:  # else the module may take no batches
            seen, others = (as_tensors(calibration.take(part).inputs, parameters) for part in _halves(half))
            correct(student, teacher, seen, others)
        self._learning = Learning(
            student,
            teacher,
            inputs,
            steps=setup.steps,
            learning_rate=setup.learning_rate,
            batch=setup.batch,
            seed=setup.seed,
            loss=setup.loss,
            labels=None if samples.labels is None else as_tensor(samples.labels),
            labelled=self._labelled(),
        )
        self._learning.resume(setup.checkpoint, self._start)
        spent = self._learning.spent
        seconds = setup.left if setup.time is None else min(setup.left, max(setup.time - spent, 0.0))
        self._learning.seconds = spent + seconds
        self.prepared = Ready(self._learning.step, seconds, tuple(remarks))

    def handle(self, request: Train) -> Trained:
        """Train, keep a checkpoint, then write the model: a run that dies in between continues from here."""
        loss = self._learning.train(request.steps, request.seconds)
        self._learning.save(self._setup.checkpoint, self._start)
        return Trained(self._write(), self._learning.step, loss)

    def _labelled(self) -> int:
        names = self._network.outputs
        return names.index(self._setup.output) if self._setup.output in names else 0

    def _write(self) -> str:
        model = written(self._learning.student, self._examples)
        named(model, self._network, self._setup.source["shapes"])
        folder = self._setup.results
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / ".written.xml"
        ov.save_model(model, scratch, compress_to_fp16=False)
        digest = model_digest(scratch)
        for suffix in (".bin", ".xml"):  # who sees the .xml finds its weights
            scratch.with_suffix(suffix).replace(folder / f"{digest}{suffix}")
        return digest


def _halves(size: int) -> tuple[slice, slice]:
    return slice(0, size), slice(size, 2 * size)


def _start(setup: TrainingSetup) -> str:
    """Name what a checkpoint is of."""
    start = sorted(asdict(setup.quantization).items()), setup.start
    return hashlib.sha256(repr(start).encode()).hexdigest()


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])), Trainer)
