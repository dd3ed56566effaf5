"""What OpenVINO's runtime model and its counters say of each executed node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from autotune.record import OperatorRun

_NOT_EXECUTED = ("Input", "Output", "Const", "Parameter", "Result")
_INT8 = ("i8", "u8")
_COMPUTE = ("Convolution", "Deconvolution", "FullyConnected", "MatMul", "RNNSeq", "RNNCell")


@dataclass(frozen=True)
class RuntimeNode:
    """One node of the runtime model. ``originals``: friendly names of the operators fused into it."""

    name: str
    type: str
    kernel: str
    precision: str
    originals: frozenset[str]


def runtime_nodes(runtime_model: Any) -> list[RuntimeNode]:
    """Read the nodes of a compiled model's runtime model, in order of execution."""
    nodes = []
    for op in runtime_model.get_ordered_ops():
        info = op.get_rt_info()
        nodes.append(
            RuntimeNode(
                name=op.get_friendly_name(),
                type=_text(info, "layerType"),
                kernel=_text(info, "primitiveType"),
                precision=_text(info, "runtimePrecision"),
                originals=frozenset(_text(info, "originalLayersNames").split(",")),
            )
        )
    return nodes


def microseconds(counters: Iterable[Any]) -> dict[str, float]:
    """Return microseconds per inference by node name, the mean since compilation, of the nodes that ran."""
    return {c.node_name: c.real_time.total_seconds() * 1e6 for c in counters if c.status.name == "EXECUTED"}


def operator_runs(nodes: Sequence[RuntimeNode], weighted: Set[str], spent: Sequence[float]) -> tuple[OperatorRun, ...]:
    """Return what each node that computes something did; nodes that run in place or hold constants are left out.

    A node is named after the weighted operator in it, if any. The scheme is ``int8-static`` where such an operator was
    executed on 8-bit data; other nodes with 8-bit data do not count: in a float model those are booleans and masks.

    Args:
        weighted: friendly names of the model's weighted operators: an attention block runs as one ``Subgraph``
            node that has swallowed its products.
        spent: microseconds, one for each node.
    """
    return tuple(
        OperatorRun(
            name=min(node.originals & weighted, default=node.name),
            type=node.type,
            scheme="int8-static" if _is_int8(node, weighted) else "float",
            kernel=node.kernel,
            precision=node.precision,
            microseconds=time,
        )
        for node, time in zip(nodes, spent, strict=True)
        if node.type not in _NOT_EXECUTED and (time > 0 or _has_kernel(node))
    )


def _is_int8(node: RuntimeNode, weighted: Set[str]) -> bool:
    return node.precision in _INT8 and (node.type in _COMPUTE or not weighted.isdisjoint(node.originals))


def _has_kernel(node: RuntimeNode) -> bool:
    return not node.kernel.startswith(("unknown", "undef"))


def _text(info: Any, key: str) -> str:
    if key not in info:
        return ""
    value = info[key]
    return str(getattr(value, "value", value))
