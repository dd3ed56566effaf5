"""What is worth a trial between the plain configurations, so that something good is in hand early. Pure.

Fewer threads make a small model faster: after every operator its threads wait for one another, which costs more than
the operator itself when that is short.

Float in bf16 by the plugin's hint computes everything in bf16 and may lose too much. Operators typed bf16 one by one
leave the rest in f32, and need no observation, so they can be tried before anything int8: all of them, then those that
take most of the time, fewer each time. Where nothing is lost they are tried as well: of a small model the hint makes
more nodes than it makes faster. The same holds for the linear layers that have int8 weights, where a speed is
asked for that they might give.

Static int8 that is slower than float says that these kernels are slow, not that int8 is: in another form of the graph
the same operators run in others. Without VNNI that is expected of a network of linear layers, and the other form comes
first; what is measured decides.
"""

from __future__ import annotations

import statistics
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from autotune.configuration import Configuration, FormChoice
from autotune.record import Trial
from autotune.search.incumbent import fastest_within
from autotune.space import Space

# Shares of the time of all operators that can compute in bf16.
SHARES = (1.0, 0.5, 0.25)
# Float f32 that takes longer, in milliseconds, has work for all threads.
SHORT = 5.0
# Fewer threads pay for an int8 model, which has less work for them, when float f32 keeps this share of its speed.
KEPT = 0.8
# Typed operators that keep this share of the speed of f32 may gain by having fewer conversions.
NEARLY = 0.95
# What the operators' time must promise if they were as much faster as the whole model is by the hint.
WORTH = 1.05


def sooner(
    trials: Iterable[Trial],
    tolerance: float,
    space: Space,
    plain: Iterable[Configuration],
    microseconds: Mapping[str, float],
    *,
    climbs: bool,
    tried: Container[Configuration] = (),
) -> Configuration | None:
    """Return what may be faster than float f32 and within the tolerance, before the next plain int8 one, or None.

    Args:
        plain: configurations of the space.
        microseconds: of each operator of float f32 that its profile shows.
        climbs: a speed is asked for, which int8 weights of some layers may give.
        tried: what has a trial, measured or not.
    """
    known, floats = as_f32(trials), [replace(c, float_weights="f32") for c in plain]
    found = [
        fewer_threads(known, space.threads),
        fewer_threads_in_less(known, tolerance),
        typed_bf16(known, tolerance, space.bf16, space.bf16_together),
        rewritten(known, tolerance, space.faster_forms),
        in_other_kernels(
            known,
            space.kernel_forms,
            space.products_left,
            next((c for c in floats if c.quantization is not None), None) if space.slow_products else None,
        ),
    ]
    whole = next((c for c in floats if c.is_float and c.precision == "bf16"), None)
    if whole is not None:
        found.append(partly_bf16(known, tolerance, whole, space.bf16, microseconds))
    if climbs:
        found.append(partly_compressed(known, tolerance, floats, microseconds))
    stored = (replace(c, float_weights=space.float_weights) for c in found if c is not None)
    return next((c for c in stored if c not in tried and space.holds(c)), None)


def as_f32(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials as if all stored float weights as f32: how they are stored matters to nothing here."""
    return [replace(t, configuration=replace(t.configuration, float_weights="f32")) for t in trials]


def partly_bf16(
    trials: Iterable[Trial],
    tolerance: float,
    plain: Configuration,
    operators: Sequence[str],
    microseconds: Mapping[str, float],
) -> Configuration | None:
    """Return the next set of operators to type bf16 in the float model, or None.

    Only where the model in bf16 is fast but beyond the tolerance, nothing faster than f32 is within it, and as long
    as each larger set was beyond it as well.

    Args:
        plain: float in bf16.
        operators: those that can be typed bf16, and need not be.
        microseconds: of each operator of float f32 that its profile shows.
    """
    known = {t.configuration: t for t in trials}
    if fastest_within(known.values(), tolerance) > 1 or not _is_beyond(known.get(plain), tolerance):
        return None
    latency = known[plain].measurement.latency  # type: ignore[union-attr]
    for share in SHARES:
        chosen = longest(operators, microseconds, share)
        taken = sum(microseconds.get(name, 0.0) for name in chosen) / max(sum(microseconds.values()), 1e-9)
        if not chosen or latency is None or 1 / (1 - taken * (1 - 1 / latency.speedup.estimate)) < WORTH:
            return None
        found = replace(plain, precision="f32", bf16_operators=chosen)
        if found not in known:
            return found
        if not _is_beyond(known[found], tolerance):
            return None
    return None


def partly_compressed(
    trials: Iterable[Trial], tolerance: float, plain: Iterable[Configuration], microseconds: Mapping[str, float]
) -> Configuration | None:
    """Return the next set of linear layers to have int8 weights in a float model, or None.

    Of a plain configuration that is beyond the tolerance only the layers that take most of the time are left, fewer
    each time, as long as each larger set was beyond it as well.

    Args:
        plain: of these those with int8 weights.
        microseconds: of each operator of float f32 that its profile shows.
    """
    known = {t.configuration: t for t in trials}
    for whole in plain:
        if whole.compression is None or not _is_beyond(known.get(whole), tolerance):
            continue
        for share in SHARES[1:]:
            chosen = longest(whole.compression.operators, microseconds, share)
            found = replace(whole, compression=replace(whole.compression, operators=chosen))
            if found not in known and chosen:
                return found
            if not _is_beyond(known.get(found), tolerance):
                break
    return None


def fewer_threads(trials: Iterable[Trial], counts: Sequence[int]) -> Configuration | None:
    """Return float f32 with fewer threads, or None: where it takes long, or fewer were already slower, or failed.

    Args:
        counts: that may be used, falling.
    """
    trials = list(trials)
    known = {t.configuration: t.measurement.latency if t.measurement else None for t in trials}
    if known.get(Configuration()) is None or _is_long(trials):
        return None
    before = 1.0
    for count in counts:
        found = Configuration(threads=count)
        if found not in known:
            return found
        latency = known[found]  # None where it failed: to be asked for again, it would be without end
        if latency is None or latency.speedup.high < before:
            return None
        before = latency.speedup.estimate
    return None


def fewer_threads_in_less(trials: Iterable[Trial], tolerance: float) -> Configuration | None:
    """Return the fastest float model of another precision within the tolerance, on fewer threads, or None.

    Only where fewer threads matter to float f32, whose fastest count is taken: less work has less for several threads.
    """
    known = list(trials)
    if not threads_matter(known):
        return None
    speeds = {t.configuration: speed for t in known if (speed := fastest_within([t], tolerance)) > 0}
    counts = {c.threads: s for c, s in speeds.items() if c == Configuration(threads=c.threads) and c.threads}
    others = {c: s for c, s in speeds.items() if c == Configuration(precision=c.precision) and c.precision != "f32"}
    if not counts or not others or max(others.values()) <= 1:
        return None
    found = replace(max(others, key=others.__getitem__), threads=max(counts, key=counts.__getitem__))
    return found if all(t.configuration != found for t in known) else None


def typed_bf16(
    trials: Iterable[Trial], tolerance: float, operators: Sequence[str], together: Sequence[str]
) -> Configuration | None:
    """Return the fastest plain float model within the tolerance with its operators in bf16, the rest in f32, or None.

    Only where bf16 by the hint is within it too and not much slower than f32 on as many threads, and float f32 is
    short; once. Where that is about as fast, it is tried as well without those that have two conversions for
    themselves.

    Args:
        operators: those that can be typed bf16, and need not be. together: of these the ones that hand bf16 to others.
    """
    known = list(trials)
    plain = {
        c: speed
        for t in known
        if (c := t.configuration) == Configuration(c.precision, threads=c.threads)
        and (speed := fastest_within([t], tolerance)) > 0
    }
    hinted = {c: speed for c, speed in plain.items() if c.precision == "bf16"}
    if not operators or not hinted or _is_long(known):
        return None
    keeps = any(speed >= KEPT * plain.get(replace(c, precision="f32"), 0.0) for c, speed in hinted.items())
    best = max(plain, key=plain.__getitem__)
    typed = [t for t in known if t.configuration.bf16_operators]
    if not typed:
        whole = replace(best, precision="f32", bf16_operators=tuple(operators))
        return whole if keeps else None
    whole = typed[0].configuration
    pays = len(typed) == 1 and whole.is_float and fastest_within(typed, tolerance) > NEARLY * plain[best]
    some = 0 < len(together) < len(operators) and frozenset(whole.bf16_operators) == frozenset(operators)
    return replace(whole, bf16_operators=tuple(together)) if pays and some else None


def rewritten(trials: Iterable[Trial], tolerance: float, forms: tuple[FormChoice, ...]) -> Configuration | None:
    """Return the fastest plain float model within the tolerance in these forms, which need no observation either.

    None where there are no forms, or a float model was tried in them.
    """
    known = list(trials)
    if not forms or any(t.configuration.is_float and t.configuration.forms == forms for t in known):
        return None
    speeds = {t.configuration: fastest_within([t], tolerance) for t in known if t.configuration.is_float}
    fastest = max(speeds, key=speeds.__getitem__, default=None)
    return replace(fastest, forms=forms) if fastest is not None and speeds[fastest] > 0 else None


def in_other_kernels(
    trials: Iterable[Trial],
    forms: tuple[FormChoice, ...],
    products: Iterable[str],
    unseen: Configuration | None = None,
) -> Configuration | None:
    """Return the static int8 configuration that loses least, in these forms, where all are slower than float f32.

    Without VNNI OpenVINO has fast int8 kernels for convolutions and none for matrix products. What cannot be a
    convolution, as the two products of attention, would slow the others down and stays float.
    None where there are no forms, or static int8 was tried in them.

    Args:
        forms: that change which kernels run; others that the configuration has stay.
        products: operators to be float, for in these forms they would run in the slow kernels still.
        unseen: what would be the first static one and can be expected to be slow; in these forms it comes before it.
    """
    static = [t for t in trials if t.configuration.quantization is not None]
    measured = [(t, m.latency, m.drop) for t in static if (m := t.measurement) and m.latency and m.drop is not None]
    tried = any(set(forms) <= set(t.configuration.forms) for t in static)
    if not forms or tried or any(latency.speedup.high >= 1 for _, latency, _ in measured):
        return None
    if measured:
        least: Configuration | None = min(measured, key=lambda entry: (entry[2], entry[0].number))[0].configuration
    else:
        least = None if static else unseen
    if least is None or least.quantization is None:
        return None
    names = {form.name for form in forms}
    floats = (*least.quantization.float_operators, *products)
    return replace(
        least,
        quantization=replace(least.quantization, float_operators=floats),
        forms=(*(form for form in least.forms if form.name not in names), *forms),
    )


def threads_matter(trials: Iterable[Trial]) -> bool:
    """Tell whether float f32 with fewer threads is faster, or so little slower that an int8 model may be faster."""
    return any(
        t.configuration.threads is not None
        and t.configuration == Configuration(threads=t.configuration.threads)
        and t.measurement is not None
        and t.measurement.latency is not None
        and t.measurement.latency.speedup.high > KEPT
        for t in trials
    )


def longest(operators: Sequence[str], microseconds: Mapping[str, float], share: float) -> tuple[str, ...]:
    """Return the fewest operators, longest first, that take this share of the time of them all."""
    wanted, chosen = share * sum(microseconds.get(name, 0.0) for name in operators), list[str]()
    for name in sorted(operators, key=lambda name: -microseconds.get(name, 0.0)):
        if share < 1 and wanted <= 0:
            break
        chosen.append(name)
        wanted -= microseconds.get(name, 0.0)
    return tuple(name for name in operators if name in frozenset(chosen))


def _is_long(trials: Iterable[Trial]) -> bool:
    """Tell whether float f32 takes long enough for what comes to each node not to matter."""
    known = (t.measurement.latency for t in trials if t.configuration == Configuration() and t.measurement)
    return any(latency is not None and statistics.median(latency.baseline_ms) > SHORT for latency in known)


def _is_beyond(trial: Trial | None, tolerance: float) -> bool:
    found = trial.measurement if trial else None
    return found is not None and found.drop is not None and found.drop > tolerance
