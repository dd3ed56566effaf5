"""What is found out about one frame (a configuration with everything int8) before its operators are chosen."""

from __future__ import annotations

import math

from autotune.configuration import Configuration
from autotune.data import Dataset
from autotune.graph.groups import cover, groups
from autotune.graph.neighbours import edges, neighbours, sizes
from autotune.measure.compiled import Compiled
from autotune.protocol import Explored
from autotune.quantize.variants import Variants
from autotune.record import OperatorRun

PROFILES = 3
Profile = tuple[OperatorRun, ...]
FEWEST_SAMPLES, MOST_SAMPLES = 4, 32
# What each operator in float takes back is looked at on so many at most: reports tell it, the search does not need it.
MOST_FEW = 8
# Each takes one more placement to be solved, 0.01 to 0.04 s.
MOST_GROUPS = 64
# Emulated int8, one thread per inference, takes about so many times as long as float with all threads.
EMULATION = 6.0
# Variants of one sample besides those of the groups: float, and everything quantised.
_OTHERS = 2


def explore(
    variants: Variants,
    frame: Configuration,
    profiles: tuple[Profile, Profile],
    samples: Dataset,
    *,
    inferences: int,
    accuracy: bool,
    before: float,
) -> Explored:
    """Set a frame against its float model and, if asked, measure what each operator costs in accuracy.

    Args:
        frame: an int8 configuration.
        profiles: of its float model, in the same forms and precision, and of itself.
        samples: at least one; the accuracy is looked at on up to 32 of them.
        before: what ``variants.watch`` showed when the profiles were not there yet.
        inferences: of float f32, that measuring the accuracy may take as long as.
    """
    assert frame.quantization is not None
    model = variants.model(frame.forms)
    factory = variants.factory(frame.forms, frame.quantization.placement)
    operators = tuple(factory.operators)
    near = {name: (*found.feeds, *found.reads) for name, found in neighbours(model, operators).items()}
    costs: dict[str, float] = {}
    taken_back: dict[str, float] = {}
    chosen: dict[str, tuple[str, ...]] = {}
    if accuracy:
        possible = inferences / EMULATION
        count = int(min(max(possible / (len(operators) + _OTHERS), FEWEST_SAMPLES), MOST_SAMPLES, len(samples)))
        most = max(2, int(possible / count) - _OTHERS)
        chosen = cover(groups(model, operators), operators, most)
        few = _few(possible, count, len(chosen))
        found = factory.sensitivity(frame.quantization, samples.take(slice(0, count)), chosen, few=few)
        costs = {label: distance.error for label, distance in found.alone.items()}
        whole = found.whole_of_few.error
        taken_back = {label: whole - k.error for label, k in found.kept.items() if math.isfinite(whole - k.error)}
    return Explored(
        operators=operators,
        float_runs=profiles[0],
        int8_runs=profiles[1],
        near=near,
        edges=edges(model, operators),
        sizes=sizes(model),
        groups=chosen or {name: (name,) for name in operators},
        costs=costs,
        taken_back=taken_back,
        inference_seconds=variants.watch.seconds - before,
    )


def _few(possible: float, count: int, groups: int) -> int:
    """Return how many samples the time that is left allows, 0 if fewer than a variance needs, or for many groups."""
    few = int(min((possible - count * (groups + _OTHERS)) / max(groups, 1), count, MOST_FEW))
    return few if few >= FEWEST_SAMPLES and groups <= MOST_GROUPS else 0


def profile(compiled: Compiled, samples: Dataset) -> Profile:
    """Return the fastest profile of a few: whatever disturbs the machine makes one slower, never faster."""
    found = (compiled.profile(samples.row(0)) for _ in range(PROFILES))
    return min(found, key=lambda runs: sum(r.microseconds for r in runs))
