"""The folder that is deployed: model, the properties it was judged with, and how to load it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotune.accompany import about_optimum, accompany
from autotune.bucketed import Bucketed, Shapes
from autotune.errors import UserError
from autotune.files import write_text

if TYPE_CHECKING:
    from autotune.data import Lengths
    from autotune.protocol import Companions

MODEL = "openvino_model.xml"
PROPERTIES = "deploy.json"
# Only where texts differ in length. Not in deploy.json: benchmark_app takes each key there for a device.
SHAPES = "shapes.json"

_ROOM = 1 << 16  # bytes: a disk with less room than this is full

_README = """# {name}

{label}, built by autotune. {remark}

`deploy.json` holds the compile properties that this model was judged with; loaded with
other ones (on some CPUs OpenVINO's default precision is bf16) it is another model.

Python, with autotune:

    import autotune
    compiled = autotune.load("{folder}")
    outputs = compiled(inputs)

Python, with OpenVINO alone:

    import json, openvino
    properties = json.load(open("{folder}/deploy.json"))["CPU"]
    compiled = openvino.Core().compile_model("{folder}/openvino_model.xml", "CPU", properties)

Timed was a request whose inputs are bound: each call with Python's arrays takes microseconds more. Where that counts:

    request = compiled.create_infer_request()
    request.get_input_tensor(0).data[...] = values
    request.infer(share_outputs=True)
    outputs = request.get_output_tensor(0).data

Its speed, with OpenVINO's benchmark_app:

    benchmark_app -m {folder}/openvino_model.xml -d CPU -load_config {folder}/deploy.json
"""

_DYNAMIC = """
Texts run at their own lengths{most}, without padding: that is how it was judged. The first text of each new length
takes longer than the next. benchmark_app needs a length: `-data_shape [1,{some}]`.
"""
_BUCKETS = """
Texts were judged padded to the least of {buckets} tokens that holds them, each length with a compilation of its own
(`shapes.json`). `autotune.load` does both; with OpenVINO alone, once for each length, before compiling:

    model = openvino.Core().read_model("{folder}/openvino_model.xml")
    model.reshape({{port: [1, {some}] for port in model.inputs}})

benchmark_app takes a length, too: `-shape [1,{some}]`.
"""


def load(directory: str | os.PathLike[str]) -> Any:
    """Compile a deployed model exactly as it was judged.

    Args:
        directory: the ``model`` folder of a run, or the output of ``autotune apply``.

    Returns:
        An ``openvino.CompiledModel``; of a model that was judged with buckets a :class:`~autotune.bucketed.Bucketed`,
        which is called like one, pads what it is given, and names the lengths in ``buckets``.

    Raises:
        UserError: the folder has no model or no ``deploy.json``.
    """
    import openvino

    folder = checked(Path(directory))
    core, judged_with, lengths = openvino.Core(), properties(folder), shapes(folder)
    if not lengths.buckets:
        return core.compile_model(str(folder / MODEL), "CPU", judged_with)
    from autotune.graph.lengths import at_length

    model = core.read_model(str(folder / MODEL))
    compiled = {length: core.compile_model(at_length(model, length), "CPU", judged_with) for length in lengths.buckets}
    return Bucketed(compiled, lengths.padding)


def ready() -> None:
    """Load OpenVINO and its CPU plugin, as compiling the first model would."""
    import openvino

    openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")


def shapes(folder: Path) -> Shapes:
    """Return the lengths that the inputs of a deployed model may have.

    Raises:
        UserError: ``shapes.json`` is damaged.
    """
    return Shapes.read(folder / SHAPES)


def properties(folder: Path) -> dict[str, str]:
    """Return the compile properties that the model of a deployed folder was judged with.

    Raises:
        UserError: ``deploy.json`` is damaged.
    """
    try:
        found: dict[str, str] = json.loads((folder / PROPERTIES).read_text())["CPU"]
        return {str(name): str(value) for name, value in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{folder / PROPERTIES}: is damaged; deploy the run's model folder again.") from None


def checked(folder: Path) -> Path:
    """Return a deployed folder that has what it needs.

    Raises:
        UserError: it has no model or no ``deploy.json``.
    """
    for name in (MODEL, PROPERTIES):
        if not (folder / name).exists():
            raise UserError(f"{folder}: no {name} there; name the model folder of a run.")
    return folder


def export(
    model: Any,
    judged_with: Mapping[str, str],
    directory: Path,
    *,
    name: str,
    label: str,
    remark: str,
    companions: Companions | None = None,
    lengths: Lengths | None = None,
) -> None:
    """Write model, properties and README into ``directory``, replacing it as a whole.

    Args:
        model: the ``openvino.Model`` as it was measured; weights are stored as they are.
        judged_with: compile properties.
        name, label, remark: for the README: of the model, of the configuration, and what is known of it.
        companions: tokenizer and config to be copied beside the model.
        lengths: of the samples that it was judged on, where they differ.

    Raises:
        UserError: the disk is full.
    """
    import openvino

    directory.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        try:
            openvino.save_model(_named(model), str(scratch / MODEL), compress_to_fp16=False)
        except (OSError, RuntimeError) as error:
            if shutil.disk_usage(scratch).free < _ROOM:  # OpenVINO only says that it could not write
                raise UserError(f"Cannot write {directory}: the disk is full; free some space.") from error
            raise
        write_text(scratch / PROPERTIES, json.dumps({"CPU": dict(judged_with)}, indent=2) + "\n")
        readme = _README.format(name=name, label=label, remark=remark, folder=directory.name)
        if lengths is not None:
            names = {port.get_any_name() for port in model.inputs}
            padding = {name: value for name, value in lengths.padding.items() if name in names}
            write_text(scratch / SHAPES, Shapes(lengths.most, lengths.buckets, padding).text() + "\n")
            readme += _about(lengths, directory.name)
        if companions is not None:
            accompany(companions, model, judged_with, scratch)
            readme += about_optimum(companions.auto, model, directory.name, lengths)
        write_text(scratch / "README.md", readme)
        shutil.rmtree(directory, ignore_errors=True)
        scratch.chmod(0o755)
        scratch.rename(directory)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _about(lengths: Lengths, folder: str) -> str:
    if lengths.buckets:
        return _BUCKETS.format(buckets=", ".join(map(str, lengths.buckets)), folder=folder, some=lengths.buckets[0])
    most = "" if lengths.most is None else f", at most {lengths.most} tokens"
    return _DYNAMIC.format(most=most, some=int(lengths.runs.max()))


def _named(model: Any) -> Any:
    """Return a copy in which what building added is named by its place: OpenVINO numbers it per process.

    So equal models are equal files, and the caller's model keeps the names that it is known by.
    """
    copy = model.clone()
    pairs = list(zip(model.get_ordered_ops(), copy.get_ordered_ops(), strict=True))
    unnamed = [twin for node, twin in pairs if node.get_friendly_name() == node.get_name()]
    taken = {node.get_friendly_name() for node, _ in pairs if node.get_friendly_name() != node.get_name()}
    count = 0
    for twin in unnamed:
        while (name := f"{twin.get_type_name()}_{count}") in taken:
            count += 1
        twin.set_friendly_name(name)
        count += 1
    return copy
