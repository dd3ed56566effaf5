"""Writing a candidate's folder, and seeing that what was written is what was judged."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np

from autotune import deploy, fresh, memory
from autotune.data import Lengths
from autotune.footprint import peak_memory
from autotune.graph.half import HalfStorage, rounded
from autotune.graph.inspect import candidate_digest
from autotune.measure.compiled import Compiled, Inputs, compile_emulated, deploy_properties
from autotune.outcome import ExportCheck, OnnxExport
from autotune.protocol import Companions, Export, Exported, Footprint
from autotune.record import Failure
from autotune.stages import StageFailed, stage
from autotune.stopwatch import Stopwatch

_ABOUT_ONNX = """
`{file}` is this model as ONNX with QuantizeLinear and DequantizeLinear, for other runtimes: the same shapes,
names, ranges and weights. Its speed, and what integers make of it there, nobody has measured.
"""


def write(
    model: Any,
    compiled: Compiled,
    request: Export,
    *,
    name: str,
    samples: Sequence[Inputs],
    storage: HalfStorage,
    watch: Stopwatch,
    companions: Companions | None = None,
    lengths: Lengths | None = None,
) -> Exported:
    """Write the folder; weights are stored as the source stores them, or as f16 where the configuration asks for that.

    Where that changes outputs they are stored as f32, and what f16 cannot hold is too: either is noted.

    Args:
        model: the candidate as it was judged. compiled: the same.
        name: of the user's model.
        watch: what of the inference seconds was spent before.
        companions: what travels with it.
        lengths: of samples, where they differ.

    Raises:
        StageFailed: what was written gives other outputs than what was judged; the folder is removed.
        UserError: the disk is full.
    """
    asked = request.configuration.float_weights
    note = _kept(model) if asked == "f16" else ""
    stored = storage.stored(model, asked)
    _export(stored, compiled, request, name=name, companions=companions, lengths=lengths)
    check, differs = _compared(compiled, request, samples, watch)
    if differs and stored is not model:
        note = f"Weights are written as f32, twice the size of f16: as f16, {differs}."
        _export(model, compiled, request, name=name, companions=companions, lengths=lengths)
        check, differs = _compared(compiled, request, samples, watch)
    if differs:
        shutil.rmtree(request.directory, ignore_errors=True)  # nobody is to deploy it
        raise StageFailed(Failure("export", "differs", differs))
    with watch.running():
        operators = compiled.profile(samples[0] if request.final else None)
        onnx = _onnx(model, compiled, request, samples) if request.onnx else None
    return Exported(candidate_digest(model), operators, watch.seconds, note, check, onnx)


def footprint(
    model: Any,
    request: Footprint,
    *,
    threads: int,
    samples: Sequence[Inputs],
    storage: HalfStorage,
    lengths: Lengths | None = None,
) -> int:
    """Write a candidate's folder as it would be deployed, measure its peak memory in bytes, and remove the folder.

    Args:
        threads: where the configuration names none.

    Raises:
        StageFailed: it could not be written, or a fresh process could not load and run it.
        UserError: the disk is full.
    """
    asked = request.configuration
    properties = deploy_properties(asked.precision, asked.threads or threads, asked.dynamic_group)
    try:
        with stage("export"):
            deploy.export(
                storage.stored(model, asked.float_weights),
                properties,
                request.directory,
                name=asked.label,
                label=asked.label,
                remark="",
                lengths=lengths,
            )
            memory.release()
        return peak_memory(request.directory, samples)
    finally:
        shutil.rmtree(request.directory, ignore_errors=True)


def _kept(model: Any) -> str:
    """Say which weights f16 cannot hold."""
    kept = rounded(model).kept
    if not kept:
        return ""
    others = f" and {len(kept) - 1} more" if len(kept) > 1 else ""
    return f"What '{kept[0]}'{others} reads stays f32: f16 cannot hold values so large or so small."


def _onnx(model: Any, compiled: Compiled, request: Export, samples: Sequence[Inputs]) -> OnnxExport:
    """Put a file of ONNX into the folder, if it can be had, and into the folder's README."""
    from autotune.onnx_qdq import write as onnx_qdq  # an extra

    written = onnx_qdq.write(
        model,
        request.configuration,
        request.directory,
        samples,
        lambda made: compile_emulated(made, "f32", compiled.threads).infer,
    )
    if written.written:
        with (request.directory / "README.md").open("a") as readme:
            readme.write(_ABOUT_ONNX.format(file=onnx_qdq.FILE))
    return written


def _export(
    model: Any,
    compiled: Compiled,
    request: Export,
    *,
    name: str,
    companions: Companions | None,
    lengths: Lengths | None,
) -> None:
    deploy.export(
        model,
        deploy_properties(request.configuration.precision, compiled.threads, request.configuration.dynamic_group),
        request.directory,
        name=name,
        label=request.configuration.label,
        remark=request.remark,
        companions=companions,
        lengths=lengths,
    )
    memory.release()  # it was read to be written


def _compared(
    compiled: Compiled, request: Export, samples: Sequence[Inputs], watch: Stopwatch
) -> tuple[ExportCheck | None, str]:
    """Name an output of the written model that is not bit for bit the judged one's; empty if there is none."""
    with watch.running():
        if request.final:
            return fresh.compare(request.directory, samples, compiled.infer)
        return None, _differs(compiled, request, samples)


def _differs(compiled: Compiled, request: Export, samples: Sequence[Inputs]) -> str:
    written = deploy.load(request.directory)
    for sample in samples[: fresh.SAMPLES]:
        expected = compiled.infer(sample)
        got = written(sample)
        for place, (name, values) in enumerate(expected.items()):
            if not np.array_equal(got[place], values):
                return f"output '{name}' of the written model differs from the judged one's"
    return ""
