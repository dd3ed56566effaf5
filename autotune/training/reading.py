"""A trained model as it is measured: read, normalised, its operators named as the float model's. Needs no PyTorch."""

from __future__ import annotations

from pathlib import Path

import openvino as ov

from autotune.configuration import DIRECT, Configuration
from autotune.data import Dataset
from autotune.errors import UserError
from autotune.graph.activations import graph_operators
from autotune.graph.inspect import model_digest, nodes_by_name
from autotune.graph.normalise import normalise
from autotune.quantize.factory import BuildError, store_weights
from autotune.sources.model import read
from autotune.training.mapping import mapped

# Of a node whose name is another's.
_OTHER = "/trained"


def read_trained(folder: Path, configuration: Configuration, float_model: ov.Model, samples: Dataset) -> ov.Model:
    """Return the model that training made of a configuration, before operators get types and kernels of their own.

    Args:
        folder: of the models that training made.
        float_model: in no forms.
        samples: runs of the model.

    Raises:
        UserError: it is not there, or not the one that was judged.
        BuildError: an operator that is to get a type or kernel is not found in it.
    """
    made = configuration.training
    assert made is not None
    path = folder / f"{made.digest}.xml"
    if not path.is_file() or model_digest(path) != made.digest:
        raise UserError(f"trained: {path} is not there or was changed; it comes with the run that trained it.")
    model, _ = normalise(read(path, {}, samples)[0])
    store_weights(model)
    direct = [name for form in configuration.forms if form.name == DIRECT for name in form.groups]
    if named := {*configuration.bf16_operators, *direct}:
        lost = sorted(named.difference(name_as(model, float_model)))
        if lost:
            raise BuildError(
                f"Not found in the trained model, so without bf16 and kernels of their own: {', '.join(lost[:5])}."
            )
    return model


def name_as(model: ov.Model, float_model: ov.Model) -> frozenset[str]:
    """Give operators the names that they have in the float model, in place; return those.

    Both were converted from one module, but names come of numbers that OpenVINO counts anew: what is alike is the kind,
    the size and the order. Numbers meet: another node of such a name gives it up.
    """
    names = mapped(graph_operators(float_model), graph_operators(model))
    nodes = nodes_by_name(model)
    found = {ours: nodes[theirs] for ours, theirs in names.items()}
    for name in found:
        if name in nodes:
            nodes[name].set_friendly_name(f"{name}{_OTHER}")
    for name, node in found.items():
        node.set_friendly_name(name)
    return frozenset(found)
