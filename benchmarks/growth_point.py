"""Measure one point of ``benchmarks.growth``, in a process of its own, and print it as JSON.

python -m benchmarks.growth_point convolution 300 100
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from autotune import hardware
from autotune.configuration import Configuration, Quantization
from autotune.data import Dataset
from autotune.graph.normalise import normalise
from autotune.quantize.variants import Variants
from benchmarks.stacks import Kind, samples, stack

REPEATS = 5


class _Clock:
    """Wall seconds and processor seconds (of all threads) of each phase."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.found |= {f"{name}_seconds": time.perf_counter() - wall, f"{name}_cpu": time.process_time() - cpu}

    def median(self, name: str, actions: list[Callable[[], object]]) -> None:
        """Keep the medians over several actions, each carried out once."""
        walls, cpus = [], []
        for action in actions:
            with self.phase(name):
                action()
            walls.append(self.found[f"{name}_seconds"])
            cpus.append(self.found[f"{name}_cpu"])
        self.found |= {f"{name}_seconds": statistics.median(walls), f"{name}_cpu": statistics.median(cpus)}


def measure(kind: Kind, operators: int, count: int) -> dict[str, object]:
    """Return the point's row; what would come from the cache of an earlier run is made anew."""
    source, data = stack(kind, operators), Dataset({"x": samples(kind, count)})
    clock, start = _Clock(), peak_mib()
    with tempfile.TemporaryDirectory() as scratch:
        with clock.phase("prepare"):
            model, _ = normalise(source)
            Variants(model, data, Path(scratch), hardware.usable_cores())
        with clock.phase("reopen"):
            variants = Variants(model, data, Path(scratch), hardware.usable_cores())
        with clock.phase("observe"):
            variants.observe()
        sets = list(_sets(tuple(variants.base.operators)))
        # Placed first: the answers are kept, and building is then without placing.
        clock.median("place", [lambda q=q: variants.base.placement(q) for q in sets])  # type: ignore[misc]
        with clock.phase("first_build"):
            variants.build(Configuration(quantization=sets[0]))
        clock.median("build", [lambda q=q: variants.build(Configuration(quantization=q)) for q in sets[1:]])  # type: ignore[misc]
    return {
        "kind": kind,
        "asked": operators,
        "operators": len(variants.base.operators),
        "nodes": len(model.get_ops()),
        "samples": count,
        "nncf_path": variants.base.nncf_path,
        **{name: round(value, 5) for name, value in clock.found.items()},
        "start_mib": round(start, 1),
        "peak_mib": round(peak_mib(), 1),
    }


def peak_mib() -> float:
    """Return the most memory this process had resident so far (``ru_maxrss`` would count its parent's)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _sets(operators: tuple[str, ...]) -> Iterator[Quantization]:
    """Yield int8 configurations, each with another tenth of the operators kept float."""
    rng = random.Random(0)
    for _ in range(REPEATS + 1):
        yield Quantization(float_operators=tuple(rng.sample(operators, max(1, len(operators) // 10))))


def main() -> None:
    kind, operators, count = sys.argv[1:]
    assert kind in get_args(Kind)
    print(json.dumps(measure(kind, int(operators), int(count))))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
