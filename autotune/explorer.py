"""What is found out about a configuration by looking into it: costs and gains of its operators, other kernels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from autotune.configuration import Configuration
from autotune.data import Dataset
from autotune.graph.groups import cover, groups
from autotune.graph.neighbours import edges, neighbours, sizes
from autotune.measure.compiled import Compiled, Inputs
from autotune.prior.gain import by_name
from autotune.protocol import Explored
from autotune.quantize.variants import Variants
from autotune.record import OperatorRun
from autotune.stopwatch import Stopwatch

PROFILES = 3
Profile = tuple[OperatorRun, ...]
FEWEST_SAMPLES, MOST_SAMPLES = 4, 32
# What each operator in float takes back is looked at on so many at most: reports tell it, the search does not need it.
MOST_FEW = 8
# Each takes one more placement to be solved, 0.01 to 0.04 s.
MOST_GROUPS = 64
# Emulated int8, one thread per inference, takes about so many times as long as float with all threads.
EMULATION = 6.0
# Of one choice of kernels after the other, each without what was slower in the one before.
KERNEL_ROUNDS = 3
# A convolution is faster in another kernel if it takes less than this share of its time.
_FASTER = 0.97
# Of a model that takes so many microseconds one profile says enough, and which set is the best.
_LONG = 2000.0
# A set must promise this share of the time.
_WORTH = 0.99
# Counters are whole microseconds: of a model that takes so few they say little, and it is tried.
_TOO_SHORT = 150.0
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


def faster_direct(
    compiled: Callable[[Sequence[str]], Compiled], convolutions: Sequence[str], sample: Inputs, watch: Stopwatch
) -> tuple[tuple[str, ...], ...]:
    """Return the sets of convolutions with which a model takes less time in direct kernels, the fastest first.

    A kernel brings its layout, and with it conversions and the kernels of its neighbours. So all are looked at in
    direct kernels together, then those that were faster, and of these again: a set counts by the time of the whole.

    Args:
        compiled: makes the model with these convolutions in direct kernels.
        watch: of compiling and inference.
    """
    before, whole = _fastest(compiled(()), sample, watch)
    found: list[tuple[float, tuple[str, ...]]] = []
    chosen = tuple(convolutions)
    for _ in range(KERNEL_ROUNDS):
        times, total = _fastest(compiled(chosen), sample, watch)
        if total < _WORTH * whole or whole < _TOO_SHORT:
            found.append((total, chosen))
        faster = tuple(n for n in chosen if times.get(n, math.inf) < _FASTER * before.get(n, 0.0))
        if not faster or faster == chosen:
            break
        chosen = faster
    ordered = tuple(convolutions for _, convolutions in sorted(found, key=lambda entry: entry[0]))
    return ordered[:1] if whole > _LONG else ordered


def _fastest(compiled: Compiled, sample: Inputs, watch: Stopwatch) -> tuple[dict[str, float], float]:
    """Return the least microseconds of each operator, and of all, in a few profiles."""
    each: list[dict[str, float]] = []
    with watch.running():
        while len(each) < PROFILES and (not each or sum(each[0].values()) < _LONG):
            each.append(by_name(compiled.profile(sample)))
    own = {name: min(times[name] for times in each if name in times) for name in each[0]}
    return own, min(sum(times.values()) for times in each)
