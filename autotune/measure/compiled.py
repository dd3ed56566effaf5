"""Compiling for latency, and reading back what really runs: a hint is only a wish."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from autotune import hardware, memory
from autotune.configuration import Precision, RunScheme
from autotune.counts import counted
from autotune.graph.constants import with_plain_constants
from autotune.graph.lengths import at_length, shape_at, some_length, varying_axes
from autotune.measure.profile import (
    RuntimeNode,
    is_int8_kernel,
    microseconds,
    operator_runs,
    runtime_nodes,
    weighted_operators,
)
from autotune.record import OperatorRun

Inputs = Mapping[str, NDArray[Any]]
Ready = Mapping[str, Any]  # of openvino.Tensor

TIMED_RUNS = 20
# Int8 weights are turned into floats before they are multiplied, and activations stay floats.
_DYNAMIC_GROUP = "DYNAMIC_QUANTIZATION_GROUP_SIZE"
_NO_INT8 = {"LP_TRANSFORMS_MODE": "NO", _DYNAMIC_GROUP: "0"}
# Without these transformations OpenVINO has no kernel for such an operator unless its weights are floats.
_RECURRENT = ("GRUCell", "GRUSequence", "LSTMCell", "LSTMSequence", "RNNCell", "RNNSequence")
_DYNAMIC: dict[RunScheme, RunScheme] = {"int8-weights": "int8-dynamic", "int4-weights": "int4-dynamic"}
# Names of the optional precisions in OPTIMIZATION_CAPABILITIES, which lists those with instructions of their own.
_CAPABILITIES: dict[Precision, str] = {"bf16": "BF16", "f16": "FP16"}


class Compiled:
    """A model compiled for one inference at a time.

    With buckets it is compiled once for each, with static shapes, and a sample runs in that of its length: one
    compilation of dynamic shapes would do, but prepares every kernel anew whenever the length changes.

    Attributes:
        threads: what OpenVINO really uses; it caps what was asked at the cores it may use.
        precision: what OpenVINO really computes float operators in.
        properties: that it was compiled with.
        notes: a sentence for each of these that is not what was asked.
        outputs: names of the outputs, in order.
        varying: output -> axes whose extent differs from sample to sample; of those that have any.
    """

    def __init__(
        self,
        model: Any,
        properties: Mapping[str, str],
        dynamic: Collection[str] = (),
        buckets: Sequence[int] = (),
    ) -> None:
        """Compile an ``openvino.Model``.

        Args:
            properties: :func:`deploy_properties`, perhaps with others.
            dynamic: layers with integer weights whose activations are known to be quantised at run time.
            buckets: lengths that all samples have, ascending; empty for a model as it is.

        Raises:
            RuntimeError: OpenVINO cannot compile the model this way.
        """
        self._model = model
        self._dynamic = frozenset(dynamic)
        self.properties = dict(properties)
        self._parts = {length: _compile(at_length(model, length), self.properties) for length in buckets}
        self._compiled = self._parts[max(buckets)] if buckets else _compile(model, self.properties)
        self._request = self._compiled.create_infer_request()
        self._requests = {length: part.create_infer_request() for length, part in self._parts.items()}
        self._places = {name: place for place, port in enumerate(model.inputs) for name in port.get_names()}
        self._lengthy = next(
            ((port.get_any_name(), axes[0]) for port in model.inputs if (axes := varying_axes(port))), None
        )
        if self._lengthy is not None and not buckets:
            self._request.infer(_zeros(model))  # kernels of dynamic shapes are chosen when they first run
        self.threads = int(self._compiled.get_property("INFERENCE_NUM_THREADS"))
        self.precision: str = self._compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        self.outputs: tuple[str, ...] = tuple(_port_name(port) for port in self._compiled.outputs)
        self.varying = {
            name: axes for name, port in zip(self.outputs, model.outputs, strict=True) if (axes := varying_axes(port))
        }
        self.notes: tuple[str, ...] = tuple(self._differences())

    def infer(self, inputs: Inputs) -> dict[str, NDArray[Any]]:
        """Run one sample and return its outputs by name; the arrays belong to the caller.

        Args:
            inputs: by the model's input names, with the batch axis.
        """
        results = self._of(inputs).infer(dict(inputs), share_inputs=True, share_outputs=False)
        return {name: results[i] for i, name in enumerate(self.outputs)}

    def caller(self, samples: Sequence[Ready], together: bool = False) -> Callable[[], None]:
        """Return what runs the next sample with each call, or all of them; for timing.

        As in OpenVINO's ``benchmark_app``, samples lie ready as tensors and outputs are left where they are. To take a
        dictionary apart costs the Python binding microseconds, as many as a small network runs for, and whoever serves
        one has it written into tensors.

        Args:
            samples: what :func:`ready` returned.
        """
        bound = [
            (self._of(sample), [(self._places[name], tensor) for name, tensor in sample.items()]) for sample in samples
        ]
        turns = itertools.cycle(bound)

        def run(request: Any, tensors: Sequence[tuple[int, Any]]) -> None:
            for place, tensor in tensors:
                request.set_input_tensor(place, tensor)
            request.infer(share_outputs=True)

        def one() -> None:
            run(*next(turns))

        def every() -> None:
            for step in bound:
                run(*step)

        return every if together else one

    def _of(self, inputs: Inputs | Ready) -> Any:
        """Return the request for samples of this length."""
        return self._requests[self._length(inputs)] if self._requests else self._request

    def _length(self, inputs: Inputs | Ready) -> int:
        assert self._lengthy is not None
        name, axis = self._lengthy
        return int(inputs[name].shape[axis])

    def profile(self, sample: Inputs | None = None) -> tuple[OperatorRun, ...]:
        """Return what each executed node of this very compiled model does: kernel, precision, scheme.

        Args:
            sample: with one, its time as well: the mean of 20 runs of a second compilation with the counters on, so
                that they do not disturb what is measured elsewhere. Without one, microseconds are 0. With buckets,
                kernels are those of the sample's bucket, and without a sample those of the longest.
        """
        weighted = weighted_operators(self._model)
        nodes = self.nodes(sample)
        runs = operator_runs(nodes, weighted, [0.0] * len(nodes) if sample is None else self._times(sample))
        # The runtime model shows that weights are integers, and never that activations become them.
        return tuple(
            replace(run, scheme=_DYNAMIC[run.scheme]) if run.scheme in _DYNAMIC and run.name in self._dynamic else run
            for run in runs
        )

    def forget(self) -> None:
        """Let go of the graph: the model runs as before, and profiles can no longer be had of it."""
        self._model = None

    def nodes(self, sample: Inputs | None = None) -> list[RuntimeNode]:
        """Return what OpenVINO made of the graph, in order of execution; for the sample as :meth:`profile`."""
        compiled = self._parts[self._length(sample)] if self._parts and sample is not None else self._compiled
        return runtime_nodes(compiled.get_runtime_model())

    def _times(self, sample: Inputs) -> list[float]:
        """Return microseconds per node. Names differ between compilations, the order of the nodes does not."""
        model = at_length(self._model, self._length(sample)) if self._parts else self._model
        compiled = _compile(model, {**self.properties, "PERF_COUNT": "YES"})
        request = compiled.create_infer_request()
        for _ in range(TIMED_RUNS):
            request.infer(dict(sample), share_inputs=True, share_outputs=True)
        spent = microseconds(request.get_profiling_info())
        return [spent.get(node.name, 0.0) for node in runtime_nodes(compiled.get_runtime_model())]

    def _differences(self) -> list[str]:
        notes = []
        threads, precision = (
            int(self.properties["INFERENCE_NUM_THREADS"]),
            self.properties["INFERENCE_PRECISION_HINT"],
        )
        if self.threads != threads:
            notes.append(
                f"{counted(threads, 'thread was', 'threads were')} asked for; OpenVINO uses {self.threads} here."
            )
        if self.precision != precision:
            notes.append(f"{precision} was asked for; OpenVINO computes in {self.precision} here.")
        group, asked = str(self._compiled.get_property(_DYNAMIC_GROUP)), self.properties.get(_DYNAMIC_GROUP)
        if asked is not None and group != asked:
            notes.append(f"Dynamic groups of {asked} were asked for; OpenVINO takes {group} here.")
        return notes


def ready(samples: Iterable[Inputs]) -> list[Ready]:
    """Return samples as ``openvino.Tensor``s, copied, for :meth:`Compiled.caller` of any number of models."""
    return [{name: ov.Tensor(np.ascontiguousarray(values)) for name, values in sample.items()} for sample in samples]


def compile_model(model: Any, precision: str, threads: int, dynamic_group: int | None = None) -> Compiled:
    """Compile an ``openvino.Model`` with :func:`deploy_properties`.

    Args:
        precision: ``f32``, ``bf16`` or ``f16``.
        threads: at least 1.
        dynamic_group: of a model with compressed layers, see ``configuration.Compression``.

    Raises:
        RuntimeError: OpenVINO cannot compile the model this way.
    """
    return Compiled(model, deploy_properties(precision, threads, dynamic_group))


def compile_emulated(model: Any, precision: str, threads: int, buckets: Sequence[int] = ()) -> Compiled:
    """Compile an int8 model so that its FakeQuantizes are computed as floats: with the same rounding, no 8-bit sums.

    Args:
        precision, threads: as for :func:`compile_model`. buckets: as for :class:`Compiled`.

    Raises:
        RuntimeError: OpenVINO cannot compile the model this way, or runs a kernel on 8-bit data all the same.
    """
    plain, properties = emulating(model, precision, threads)
    compiled = Compiled(plain, properties, buckets=buckets)
    left = [node.name for node in compiled.nodes() if is_int8_kernel(node)]
    if left:
        raise RuntimeError(f"OpenVINO computes in int8 where it was not to: {', '.join(left[:3])}")
    return compiled


def emulating(model: Any, precision: str, threads: int) -> tuple[Any, dict[str, str]]:
    """Return a model, and compile properties under which nothing of it is computed in int8."""
    return with_plain_constants(model, _RECURRENT), {**deploy_properties(precision, threads), **_NO_INT8}


def deploy_properties(precision: str, threads: int, dynamic_group: int | None = None) -> dict[str, str]:
    """Return the compile properties under which a model is judged, and must be loaded again.

    * the precision is always said: on some CPUs the default is bf16, which is another model;
    * one stream, latency hint: one inference has all threads;
    * no hyper-threads: two threads of one core slow one inference down;
    * threads are not pinned: on a shared machine, or in a container, two processes that pin their threads pin them
      to the same cores. On a machine of its own pinning gains a little and may be switched on there;
    * with compressed layers the group of dynamic quantisation is said, also 0 (none): the default is 32.
    """
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": str(threads),
        "INFERENCE_PRECISION_HINT": precision,
        "ENABLE_CPU_PINNING": "NO",
        "ENABLE_HYPER_THREADING": "NO",
        **({} if dynamic_group is None else {_DYNAMIC_GROUP: str(dynamic_group)}),
    }


@cache
def probe_precisions() -> tuple[Precision, ...]:
    """Return the float precisions that OpenVINO executes here with instructions made for them; f32 is always there.

    Each other one is tried: a small convolution and a matrix product are compiled under its hint, and both must read
    back as executed in it (OpenVINO answers an f16 hint with bf16, or ignores it, without a word). OpenVINO and the
    CPU's flags, under this process's instruction set, must name the precision too: without that, kernels that emulate
    it read back just the same and are up to 20 times slower.
    """
    cap = hardware.instruction_set()
    available = hardware.flags()
    capabilities = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    found: list[Precision] = ["f32"]
    for precision, capability in _CAPABILITIES.items():
        named = capability in capabilities and hardware.computes_natively(precision, available, cap)
        if named and _executes(precision):
            found.append(precision)
    return tuple(found)


def _executes(precision: str) -> bool:
    try:
        compiled = _compile(_probe(), deploy_properties(precision, 1))
    except RuntimeError:  # capped on one side only, or no kernel for it
        return False
    nodes = runtime_nodes(compiled.get_runtime_model())
    ran = [node.precision for node in nodes if node.type in ("Convolution", "FullyConnected", "MatMul")]
    return bool(ran) and all(p == precision for p in ran)


def _probe() -> Any:
    """Return a model of one convolution and one matrix product."""
    from openvino import opset13 as op

    random = np.random.default_rng(0)
    image = op.parameter([1, 16, 8, 8], np.float32, name="image")
    kernel = op.constant(random.standard_normal((16, 16, 3, 3), dtype=np.float32))
    convolved = op.relu(op.convolution(image, kernel, [1, 1], [1, 1], [1, 1], [1, 1]))
    rows = op.reshape(convolved, np.array([16, 64]), False)
    product = op.matmul(rows, op.constant(random.standard_normal((64, 64), dtype=np.float32)), False, True)
    return ov.Model([op.relu(product)], [image], "probe")


def _compile(model: Any, properties: Mapping[str, str]) -> Any:
    # No cache: its key knows nothing of the instruction set that the process is restricted to.
    memory.release()  # what was read to build the model, or another one
    compiled = _core().compile_model(model, "CPU", {**properties, "CACHE_DIR": ""})
    memory.release()
    return compiled


@cache
def _core() -> Any:
    return ov.Core()


def _zeros(model: Any) -> dict[str, NDArray[Any]]:
    length = some_length(model)
    return {p.get_any_name(): np.zeros(shape_at(p, length), p.get_element_type().to_dtype()) for p in model.inputs}


def _port_name(port: Any) -> str:
    return str(port.get_any_name() if port.get_names() else port.get_node().get_friendly_name())
