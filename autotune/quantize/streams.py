"""Many samples through a compiled model, several inferences at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import openvino as ov

from autotune import memory
from autotune.data import Array
from autotune.quantize.statistics import Floats
from autotune.stopwatch import Stopwatch

# One thread per inference: results do not depend on the number of threads. More at once cost memory only.
MOST_STREAMS = 8


@contextmanager
def compiled_streams(models: Sequence[ov.Model], streams: int, watch: Stopwatch) -> Iterator[list[ov.CompiledModel]]:
    """Compile for so many inferences of one thread each; at once, for a compilation keeps one core busy.

    The list is emptied in the end: giving back what OpenVINO holds takes a fiftieth of a second, which is counted too.
    Keep no other reference to a compiled model.
    """
    properties = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": streams}
    core = ov.Core()
    with watch.running(), ThreadPoolExecutor(min(streams, len(models))) as pool:
        memory.release()  # what was read to build the model, or another one
        compiled = list(pool.map(lambda model: core.compile_model(model, "CPU", properties), models))
        memory.release()
    try:
        yield compiled
    finally:
        with watch.running():
            compiled.clear()


def run_streams(
    compiled: ov.CompiledModel,
    indices: Sequence[int],
    feed: Callable[[int], Mapping[str, Array]],
    keep: Callable[[int, Sequence[Floats]], None],
    streams: int,
    *,
    watch: Stopwatch,
) -> None:
    """Infer the samples, ``streams`` at a time, and hand over their outputs in order."""
    dtypes = {name: port.get_element_type().to_dtype() for port in compiled.inputs for name in port.get_names()}
    with watch.running():  # OpenVINO allocates what lies between operators
        requests = [compiled.create_infer_request() for _ in range(streams)]
    outputs = range(len(compiled.outputs))

    def finish(position: int) -> None:
        request = requests[position % streams]
        with watch.running():
            request.wait()
        keep(indices[position], [request.get_output_tensor(port).data for port in outputs])

    for position, index in enumerate(indices):
        if position >= streams:
            finish(position - streams)
        inputs = {name: np.asarray(values, dtypes[name]) for name, values in feed(index).items()}
        with watch.running():
            requests[position % streams].start_async(inputs)
    for position in range(max(0, len(indices) - streams), len(indices)):
        finish(position)
