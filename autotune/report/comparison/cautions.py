"""Why numbers of different runs may not be comparable: sentences, from what the runs say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autotune.outcome import RunRecord

_CAUTIONS: tuple[tuple[Callable[[RunRecord], object], str], ...] = (
    (
        lambda run: run.model.digest,
        "The models differ: latencies and sizes are of different models; speeds are each against the model's own float "
        "f32.",
    ),
    (
        lambda run: (run.fingerprint.cpu, run.fingerprint.instruction_set, run.fingerprint.threads),
        "CPU, instruction set or threads differ: latencies are not comparable, and what is fastest on one need not be "
        "so on another.",
    ),
    (
        lambda run: tuple(sorted(run.fingerprint.versions.items())),
        "Versions differ: part of a difference in speed or drop may be theirs.",
    ),
    (
        lambda run: (run.goal.metric, run.goal.higher_is_better),
        "The metrics differ: scores, drops and tolerances are in different units.",
    ),
    (
        lambda run: (run.data, run.splits.holdout),
        "The data or the size of the holdout differ: drops were judged on different samples.",
    ),
    (
        lambda run: (
            run.goal.max_drop,
            run.goal.assurance,
            run.goal.max_latency_ms,
            run.goal.min_speedup,
            run.goal.max_size_bytes,
            run.goal.max_memory_bytes,
        ),
        "What was asked for differs: a larger tolerance lets a faster model win.",
    ),
)


def cautions(runs: Sequence[RunRecord]) -> tuple[str, ...]:
    """Return a sentence for each reason, and what always holds for runs of the same machine."""
    found = [sentence for of, sentence in _CAUTIONS if len({of(run) for run in runs}) > 1]
    return (
        *found,
        "Runs were timed at different times: their speeds may differ by more than the intervals say. Only candidates "
        "of one run were timed in common rounds.",
    )
