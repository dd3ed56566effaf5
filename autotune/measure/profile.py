"""What OpenVINO's runtime model and its counters say of each executed node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autotune.configuration import RunScheme
from autotune.record import OperatorRun

# The operators that int8 kernels are about; for any other, 8-bit data may as well be booleans.
_WEIGHTED = frozenset(
    {"MatMul", "Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData"}
    | {"LSTMSequence", "GRUSequence", "LSTMCell", "GRUCell"}
)
_NOT_EXECUTED = ("Input", "Output", "Const", "Parameter", "Result")
_INT8 = ("i8", "u8")
_INT4 = ("i4", "u4")
_FLOATS = ("f32", "bf16", "f16")
_LINEAR = "FullyConnected"
_DEQUANTIZATION = "/DequantizationMultiply"
# Products of MLAS, which asks the CPU itself what it has.
_UNRESTRICTED = "gemm_mlas"
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


def weighted_operators(model: Any) -> dict[str, str]:
    """Return friendly names of a model's weighted operators, by the names that they may have at run time.

    That is their own, or that of the bias: OpenVINO names a fused linear layer after its last part, which for an int8
    layer whose bias was fused elsewhere is the multiplication that its low-precision transformations put behind it.
    """
    names = {}
    for op in model.get_ops():
        if op.get_type_name() in _WEIGHTED:
            name = op.get_friendly_name()
            names[name] = names[name + _DEQUANTIZATION] = name
            followers = [target.get_node() for target in op.output(0).get_target_inputs()]
            names.update({f.get_friendly_name(): name for f in followers if _is_bias(f)})
    return names


def operator_runs(
    nodes: Sequence[RuntimeNode], weighted: Mapping[str, str], spent: Sequence[float]
) -> tuple[OperatorRun, ...]:
    """Return what each node that computes something did; nodes that run in place or hold constants are left out.

    A node is named after the weighted operator in it, if any. The scheme is ``int8-static`` where such an operator was
    executed on 8-bit data; other nodes with 8-bit data do not count: in a float model those are booleans and masks.
    It is ``int8-weights`` where only the weights are 8-bit, and ``int4-weights`` where they are 4-bit; that such a
    kernel quantises activations is not to be seen.

    Args:
        weighted: as :func:`weighted_operators` returns it. An attention block runs as one ``Subgraph`` node that has
            swallowed its products.
        spent: microseconds, one for each node.
    """
    return tuple(
        OperatorRun(
            name=min((weighted[o] for o in node.originals if o in weighted), default=node.name),
            type=node.type,
            scheme=_scheme(node, weighted),
            kernel=node.kernel,
            precision=node.precision,
            microseconds=time,
        )
        for node, time in zip(nodes, spent, strict=True)
        if node.type not in _NOT_EXECUTED and (time > 0 or _has_kernel(node))
    )


def is_int8_kernel(node: RuntimeNode) -> bool:
    """Tell whether a node sums 8-bit products; one that only stores its weights in 8 bits does not."""
    return node.type in _COMPUTE and node.kernel.lower().endswith(_INT8)


def weight_bits(node: RuntimeNode) -> int | None:
    """Return the bits of the weights that a linear layer reads as integers while it sums floats; None otherwise."""
    if node.type != _LINEAR or not node.kernel.endswith(_FLOATS):
        return None
    return 8 if node.precision in _INT8 else 4 if node.precision in _INT4 else None


def unrestricted(nodes: Iterable[RuntimeNode]) -> int:
    """Return how many nodes run in kernels that no restriction to an older instruction set reaches."""
    return sum(node.kernel.startswith(_UNRESTRICTED) for node in nodes)


def _is_bias(node: Any) -> bool:
    inputs = [node.input_value(i).get_node().get_type_name() for i in range(node.get_input_size())]
    return node.get_type_name() == "Add" and "Constant" in inputs


def _scheme(node: RuntimeNode, weighted: Mapping[str, str]) -> RunScheme:
    bits = weight_bits(node)
    if bits == 4:
        return "int4-weights"
    if node.precision not in _INT8 or (node.type not in _COMPUTE and node.originals.isdisjoint(weighted)):
        return "float"
    return "int8-weights" if bits == 8 else "int8-static"


def _has_kernel(node: RuntimeNode) -> bool:
    return not node.kernel.startswith(("unknown", "undef"))


def _text(info: Any, key: str) -> str:
    if key not in info:
        return ""
    value = info[key]
    return str(getattr(value, "value", value))
