"""The run folder: where everything that a run leaves lives, and who may write there."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from autotune.errors import UserError
from autotune.files import sha256, write_text
from autotune.outcome import Fingerprint

REPORTS = Path("reports")


@dataclass(frozen=True)
class Claim:
    """One process's right to write into a run folder; it ends with the process.

    Attributes:
        made: the folder did not exist before.
        lock: open, and locked for as long as it is.
    """

    made: bool
    lock: IO[str]


@dataclass(frozen=True)
class RunFolder:
    """Paths inside one run's folder."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def recipe(self) -> Path:
        """The recipe as it was run, options included."""
        return self.path / "recipe.yaml"

    @property
    def solved(self) -> Path:
        return self.path / "solved.yaml"

    @property
    def study(self) -> Path:
        return self.path / "study.db"

    @property
    def scores(self) -> Path:
        """Per-sample scores on the search split, one file per trial."""
        return self.path / "scores"

    @property
    def log(self) -> Path:
        return self.path / "run.log"

    @property
    def record(self) -> Path:
        """The whole ``outcome.RunRecord`` as JSON: what the report is made from."""
        return self.path / "record.json"

    @property
    def given(self) -> Path:
        """Model, data and metric that were given as Python objects, as files."""
        return self.path / "given"

    @property
    def work(self) -> Path:
        """Scratch data of an unfinished run."""
        return self.path / ".work"

    @property
    def trained(self) -> Path:
        """Models that training made, as ``training.messages`` names them."""
        return self.path / "trained"

    @property
    def training_samples(self) -> Path:
        return self.work / "training.npz"

    @property
    def checkpoint(self) -> Path:
        """Where training stands."""
        return self.work / "training.pt"

    @property
    def splits(self) -> Path:
        return self.work / "splits.npz"

    @property
    def identity(self) -> Path:
        return self.work / "run-identity.json"

    @property
    def _lock(self) -> Path:
        return self.work / "lock"

    @property
    def is_unfinished(self) -> bool:
        """Whether a run was begun here, has not ended, and no process is at it now."""
        if not self.identity.exists():
            return False
        try:
            self._locked().close()
        except UserError:
            return False
        return True

    def claim(self, identity: Mapping[str, object], resume: bool) -> Claim:
        """Make the folder this run's own, or continue the run that is in it.

        Args:
            identity: what trials depend on, see :func:`identity`; a run is continued only with an equal one.

        Raises:
            UserError: it holds another run or other files, there is nothing to resume, another process is at it, or
                the run to resume was started with another recipe, on another CPU or with other versions.
        """
        if resume:
            self._check_unfinished()
            claim = Claim(False, self._locked())
            self._check_same(identity)
            return claim
        self.check_free(besides=self.given)
        made = not self.path.exists()
        try:
            self.work.mkdir(parents=True)
        except OSError as error:
            raise UserError(f"--output {self.path}: cannot be made ({error.strerror}); choose another place.") from None
        claim = Claim(made, self._locked())
        write_text(self.identity, json.dumps(identity, indent=1))
        return claim

    def check_free(self, besides: Path | None = None) -> None:
        """Raise UserError if the folder holds anything ``besides`` what was put there for this run."""
        if self.path.exists() and (not self.path.is_dir() or any(path != besides for path in self.path.iterdir())):
            raise UserError(
                f"--output {self.path}: already holds another run or other files; choose another folder, "
                "or add --resume to continue the run in it."
            )

    def clean(self) -> None:
        """Remove the scratch data of a run."""
        shutil.rmtree(self.work, ignore_errors=True)

    def keep_trained(self, digest: str | None) -> None:
        """Remove what training made except for one model; None: all of it."""
        for path in self.trained.glob("*") if digest is not None else ():
            if path.stem != digest:
                path.unlink()
        if digest is None:
            shutil.rmtree(self.trained, ignore_errors=True)

    def discard(self, made: bool) -> None:
        """Empty a claimed folder in which no trial was ever made, so that the same command can be given again.

        Args:
            made: whether :meth:`claim` made it; then it goes as well.
        """
        if self.study.exists():
            return
        self.clean()
        for path in (self.recipe, self.log):
            path.unlink(missing_ok=True)
        if made:
            shutil.rmtree(self.path, ignore_errors=True)

    def _locked(self) -> IO[str]:
        """Open the lock; the system frees it when the process ends, however it ends."""
        lock = self._lock.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise UserError(f"--output {self.path}: another autotune is at work there; wait for it.") from None
        return lock

    def _check_unfinished(self) -> None:
        if self.record.exists():
            raise UserError(f"--resume {self.path}: this run is finished; start a new one, or use 'autotune report'.")
        if not self.identity.exists():
            raise UserError(f"--resume {self.path}: holds no unfinished run; leave --resume out to start one.")

    def _check_same(self, identity: Mapping[str, object]) -> None:
        before = json.loads(self.identity.read_text())
        for key, value in identity.items():
            if before.get(key) != value:
                raise UserError(
                    f"--resume {self.path}: the run was started with another {key}: "
                    f"{_difference(before.get(key), value)}; its trials cannot be mixed with new ones, start a new run."
                )


def fresh_folder(name: str) -> Path:
    """Return where a run goes that was not told: ``reports/<name>-<time>``."""
    return REPORTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def identity(
    essence: Mapping[str, str], files: Mapping[str, tuple[Path, ...]], data_digest: str, fingerprint: Fingerprint
) -> dict[str, object]:
    """Return what the trials of a run depend on: recipe, contents of files, data, CPU, instruction set, versions.

    Args:
        essence: of the recipe. files: by what they are for.
    """
    return {
        "recipe": dict(essence),
        **{purpose: {path.name: sha256(path) for path in paths} for purpose, paths in files.items()},
        "data": data_digest,
        "CPU": fingerprint.cpu,
        "instruction set": fingerprint.instruction_set,
        "number of threads": fingerprint.threads,
        "set of versions": fingerprint.versions,
    }


def _difference(before: object, now: object) -> str:
    """Say what differs; in a mapping, key by key."""
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return f"{before}, now {now}"
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    return "; ".join(f"{key} was {before.get(key, 'not set')}, is {now.get(key, 'not set')}" for key in keys)
