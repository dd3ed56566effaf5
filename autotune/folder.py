"""The run folder: where everything that a run leaves lives, and who may write there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autotune.errors import UserError
from autotune.files import write_text
from autotune.record import Fingerprint


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
        """The whole ``record.Run`` as JSON: what the report is made from."""
        return self.path / "record.json"

    @property
    def work(self) -> Path:
        """Scratch data of an unfinished run."""
        return self.path / ".work"

    @property
    def splits(self) -> Path:
        return self.work / "splits.npz"

    @property
    def identity(self) -> Path:
        return self.work / "run-identity.json"

    def claim(self, identity: Mapping[str, object], resume: bool) -> bool:
        """Make the folder this run's own, or continue the run that is in it.

        Args:
            identity: what trials depend on, see :func:`identity`; a run is continued only with an equal one.

        Returns:
            Whether the folder was made.

        Raises:
            UserError: it holds another run or other files, there is nothing to resume, or the run to resume was
                started with another recipe, on another CPU or with other versions.
        """
        if resume:
            self._check_resumable(identity)
            return False
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise UserError(
                f"--output {self.path}: already holds another run or other files; choose another folder, "
                "or add --resume to continue the run in it."
            )
        made = not self.path.exists()
        try:
            self.work.mkdir(parents=True)
        except OSError as error:
            raise UserError(f"--output {self.path}: cannot be made ({error.strerror}); choose another place.") from None
        write_text(self.identity, json.dumps(identity, indent=1))
        return made

    def clean(self) -> None:
        """Remove the scratch data of a finished run."""
        shutil.rmtree(self.work, ignore_errors=True)

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

    def _check_resumable(self, identity: Mapping[str, object]) -> None:
        if self.record.exists():
            raise UserError(f"--resume {self.path}: this run is finished; start a new one, or use 'autotune report'.")
        if not self.identity.exists():
            raise UserError(f"--resume {self.path}: holds no unfinished run; leave --resume out to start one.")
        before = json.loads(self.identity.read_text())
        for key, value in identity.items():
            if before.get(key) != value:
                raise UserError(
                    f"--resume {self.path}: the run was started with another {key} ({before.get(key)}, now {value}); "
                    "its trials cannot be mixed with new ones, start a new run."
                )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity(recipe_digest: str, model: Path, data_digest: str, fingerprint: Fingerprint) -> dict[str, object]:
    """Return what the trials of a run depend on: recipe, model file, data, CPU, instruction set, versions."""
    weights = model.with_suffix(".bin")
    files = [model, weights] if model.suffix == ".xml" and weights.exists() else [model]
    model_digest = " ".join(_sha256(path) for path in files)
    return {
        "recipe": recipe_digest,
        "model": model_digest,
        "data": data_digest,
        "CPU": fingerprint.cpu,
        "instruction set": fingerprint.instruction_set,
        "set of versions": fingerprint.versions,
    }
