"""A judged candidate as one file of ONNX beside its folder, or the reason why there is none."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import onnx
import openvino as ov

from autotune.configuration import Configuration
from autotune.errors import one_line
from autotune.onnx_qdq.comparing import Arrays, Emulate, Judged, runners
from autotune.onnx_qdq.graph import to_onnx
from autotune.onnx_qdq.refusal import NotExpressibleError, check_choices
from autotune.outcome import OnnxExport

FILE = "model_qdq.onnx"
# All that every quantiser takes and gives is kept of each.
SAMPLES = 2


def write(
    candidate: ov.Model, configuration: Configuration, directory: Path, samples: Sequence[Arrays], emulate: Emulate
) -> OnnxExport:
    """Write a candidate as ONNX QDQ if that says all of it and computes the same; else nothing is written.

    Args:
        candidate: the model as it was judged. configuration: the same.
        directory: that the file is put in.
        samples: inputs by name, with the batch axis; the first few are compared.
        emulate: compiles a model so that its int8 is computed as floats.

    Returns:
        What was written and compared, or why nothing was: never an exception, the candidate is written already.
    """
    try:
        check_choices(configuration)
        return _written(candidate, directory, samples[:SAMPLES], emulate)
    except NotExpressibleError as error:
        return _refused(f"{error}.")
    except Exception as error:  # noqa: BLE001 - a file that was asked for besides is not worth the run
        traceback.print_exc()  # into run.log
        return _refused(f"it could not be made or loaded again: {one_line(error)}")


def _written(candidate: ov.Model, directory: Path, samples: Sequence[Arrays], emulate: Emulate) -> OnnxExport:
    with tempfile.TemporaryDirectory(prefix=".onnx-", dir=directory) as scratch:
        whole, apart = Path(scratch) / FILE, Path(scratch) / "apart.onnx"
        model = to_onnx(candidate)
        onnx.checker.check_model(model)
        onnx.save(model, whole)
        onnx.save(to_onnx(candidate, apart=True), apart)
        judged = Judged(candidate, samples, emulate)
        most = 0.0
        loaders = runners(emulate)
        for runtime, load in loaders.items():
            parts = judged.parts(load(apart))
            found = parts if parts.wrong else judged.whole(load(whole))
            if found.wrong:
                return _refused(f"run by {runtime} it is not the model that was judged: {found.wrong}.")
            most = max(most, found.difference)
        whole.replace(directory / FILE)
    by = " and ".join(loaders)
    sentence = (
        f"Also written as ONNX QDQ, {FILE}: part by part it computes what was judged, run by {by} on {len(samples)} "
        f"samples; outputs of the whole differ by {most:.2g} of their values (roundings)."
    )
    return OnnxExport(True, sentence, len(samples), tuple(loaders), most)


def _refused(reason: str) -> OnnxExport:
    return OnnxExport(False, f"Not written as ONNX QDQ: {reason}")
