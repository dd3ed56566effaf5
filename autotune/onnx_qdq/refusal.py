"""What ONNX QDQ cannot say, as the end of the sentence "... was not written as ONNX QDQ: ..."."""

from __future__ import annotations

from importlib.util import find_spec

from autotune.configuration import Configuration, WeightForm
from autotune.counts import counted
from autotune.errors import UserError

PACKAGE = "onnx"


class NotExpressibleError(Exception):
    """A choice or an operator has no form in ONNX QDQ; the message names it."""


def check_installed(where: str) -> None:
    """Check for the package that writes ONNX, before a run rather than at its end.

    Args:
        where: that asks for ONNX: an option, or a recipe's key.

    Raises:
        UserError: it is not there.
    """
    if find_spec(PACKAGE) is None:
        raise UserError(f"{where}: writing ONNX needs the package '{PACKAGE}'; pip install 'autotune[onnx]'.")


def check_choices(configuration: Configuration) -> None:
    """Check what a graph does not show: how the model is compiled, and what OpenVINO does at run time.

    Graph forms need no check: what is written is the graph that they lead to.

    Raises:
        NotExpressibleError: names the choice.
    """
    compression = configuration.compression
    if configuration.is_float:
        raise NotExpressibleError(f"nothing in '{configuration.label}' is int8")
    if configuration.precision != "f32":
        raise NotExpressibleError(
            f"what is not int8 computes in {configuration.precision} (precision), and ONNX only says how tensors are "
            "stored"
        )
    if configuration.bf16_operators:
        raise NotExpressibleError(
            f"{counted(len(configuration.bf16_operators), 'operator computes', 'operators compute')} in bf16 "
            "(bf16_operators)"
        )
    if compression is not None and compression.dynamic_group:
        raise NotExpressibleError(
            f"activations of {counted(len(compression.operators), 'linear layer')} become int8 at run time, in "
            f"groups of {compression.dynamic_group} ({compression.scheme})"
        )
    if compression is not None and compression.form != WeightForm():
        each = f"group of {compression.weight_group} inputs" if compression.weight_group else "output channel"
        raise NotExpressibleError(
            f"weights of {counted(len(compression.operators), 'linear layer')} have {compression.bits} bits and a "
            f"scale for each {each}"
        )
