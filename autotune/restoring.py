"""What a solved recipe names, and a child to ask about it: where rebuilding and looking again both begin."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from autotune import data
from autotune.child import Child
from autotune.files import size_on_disk
from autotune.protocol import Companions, Patience, Setup
from autotune.recipe import Recipe
from autotune.runner import Runner
from autotune.sources.cache import cache_dir
from autotune.sources.datasets import load_data
from autotune.sources.media import reading
from autotune.sources.model import obtain


@dataclass(frozen=True)
class Restored:
    """A solved recipe's model and data.

    Attributes:
        source: the model's file.
        data: digest of the three splits.
        runner: its child is not started yet.
        log: what the child says; gone when the context ends.
    """

    source: Path
    data: str
    runner: Runner
    log: Path


@contextmanager
def restored(
    solved: Recipe,
    trust_code: bool,
    note: Callable[[str], None],
    *,
    companions: Companions | None = None,
    trained: Path | None = None,
) -> Iterator[Restored]:
    """Load a recipe's data and model, as a context that ends the child.

    Args:
        note: tells the user something.
        companions, trained: as in ``protocol.Setup``.

    Raises:
        UserError: data or model are not there, or not what the recipe says.
    """
    with closing(Child()) as child, tempfile.TemporaryDirectory() as scratch:  # it imports while the data are loaded
        splits = load_data(solved, trust_code, note)
        source = obtain(solved, splits.search, trust_code, note)
        file, log = Path(scratch) / "splits.npz", Path(scratch) / "run.log"
        data.save(splits, file)
        setup = Setup.of(
            solved,
            model=source,
            splits=file,
            trust_code=trust_code,
            cache=cache_dir() / "observations",
            companions=companions,
            reading=reading(solved, splits.search, trust_code),
            trained=trained,
        )
        digest = data.digest(splits)
        patience = Patience(len(splits.calibration), len(splits.search), len(splits.holdout), size_on_disk(source))
        del splits  # the child has its own
        with Runner(setup, log, first=child, patience=patience) as runner:
            yield Restored(source, digest, runner, log)
