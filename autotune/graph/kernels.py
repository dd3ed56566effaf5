"""Asking OpenVINO's CPU plugin for a family of kernels, operator by operator.

Of the kernels that can run a node the plugin takes the first in its own order. An operator may bring an order of its
own: the run-time attribute ``primitives_priority``, which IR files keep (``ov::PrimitivesPriority`` in
``transformations/rt_info/primitives_priority_attribute.hpp``). It is no public API: nothing of it is used but here, and
``tests/graph/test_kernels.py`` fails where it has no effect any more.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import openvino as ov

_KEY = "primitives_priority_0"
# oneDNN's names, without those of a CPU's features that it does not have; the first that can run a node is taken.
_DIRECT = ",".join(f"cpu:jit_{isa}{kind}" for isa in ("avx512_amx", "avx512", "avx2") for kind in ("_1x1", "_dw", ""))
_CARRIER = f"""<?xml version="1.0"?>
<net name="carrier" version="11">
  <layers>
    <layer id="0" name="x" type="Parameter" version="opset1">
      <data shape="1" element_type="f32"/>
      <rt_info><attribute name="primitives_priority" version="0" value="{_DIRECT}"/></rt_info>
      <output><port id="0" precision="FP32"><dim>1</dim></port></output>
    </layer>
    <layer id="1" name="y" type="Result" version="opset1">
      <input><port id="0" precision="FP32"><dim>1</dim></port></input>
    </layer>
  </layers>
  <edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/></edges>
</net>"""


def prefer_direct(node: ov.Node) -> None:
    """Let a convolution be computed directly (oneDNN's ``jit``) where such a kernel can run it, in place."""
    node.set_rt_info(_carrier().get_rt_info()[_KEY], _KEY)


def prefers_direct(node: Any) -> bool:
    """Tell whether :func:`prefer_direct` was called of the node, also before it was written and read."""
    return _KEY in node.get_rt_info()


@cache
def _carrier() -> Any:
    """Return a node that has the attribute: Python can copy it, not make it."""
    return ov.Core().read_model(_CARRIER.encode(), b"").get_parameters()[0]
