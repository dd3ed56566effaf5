"""What shells offer as values of options. Each list is made when it is asked for: start-up stays light."""

from __future__ import annotations

from collections.abc import Iterable


def isas(incomplete: str) -> list[str]:
    """Return instruction sets that this CPU can be restricted to."""
    from autotune.hardware import flags, offered_isas

    return _beginning(offered_isas(flags()), incomplete)


def metrics(incomplete: str) -> list[str]:
    """Return built-in metrics."""
    from autotune.tasks.metrics import METRICS

    return _beginning(METRICS, incomplete)


def tasks(incomplete: str) -> list[str]:
    """Return tasks."""
    from typing import get_args

    from autotune.recipe import TaskName

    return _beginning(get_args(TaskName), incomplete)


def assurances(incomplete: str) -> list[str]:
    """Return what a winner can be asked to be."""
    from typing import get_args

    from autotune.outcome import Assurance

    return _beginning(get_args(Assurance), incomplete)


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
