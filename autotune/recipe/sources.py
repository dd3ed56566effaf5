"""Where the model and the samples come from, as a recipe says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Gt, Lt
from pydantic import model_validator

from autotune.frozen import FrozenMap
from autotune.recipe.fields import FUNCTION, Frozen, Function, Map, Options, Sha256, Text
from autotune.recipe.values import problem, unknown

SOURCES = ("builtin", "path", "function")
# What a column of a table may be: the text, what it is paired with; the image or recording; what is right; which rows
# belong together; and of a box its left and upper border, width and height.
BOX = ("x", "y", "w", "h")
ROLES = ("text", "text_pair", "file", "label", "group", *BOX)
PARTS = ("calibration", "search", "holdout")


class Model(Frozen):
    """Where the float model comes from: exactly one of ``path``, ``package`` and ``function``.

    Attributes:
        function: ``FILE.py:factory``, which makes (or is) a PyTorch module.
        path: .xml, .onnx, .tflite or a transformers folder, relative to the recipe's folder.
        package: a pinned requirement, such as ``magika==1.0.3``.
        file: the model's path inside the package's archive.
        folder: instead of ``file``, a transformers folder's path inside it.
        sha256: of that file, or of that folder as ``sources.package.fetch_folder`` computes it.
        trust_remote_code: lets a transformers folder run Python code of its own, if --trust-code is given too.
    """

    path: Text | None = None
    package: Text | None = None
    function: Function | None = None
    file: Text | None = None
    folder: Text | None = None
    sha256: Sha256 | None = None
    trust_remote_code: bool = False

    @property
    def label(self) -> str:
        """The model as the user named it."""
        return self.path or self.package or self.function or ""

    @model_validator(mode="after")
    def _one_source(self) -> Model:
        given = [key for key in ("path", "package", "function") if getattr(self, key) is not None]
        if len(given) != 1:
            raise problem("needs exactly one of path, package and function" + _found(given))
        for key in ("file", "folder", "sha256"):
            if self.package is None and getattr(self, key) is not None:
                raise problem(f"belongs to package; a model given by {given[0]} does not have it", key)
        if self.package is not None:
            if self.file is not None and self.folder is not None:
                raise problem("needs exactly one of file and folder, not both", "folder")
            for key in ("sha256",) if self.folder is not None else ("file", "sha256"):
                if getattr(self, key) is None:
                    raise problem(f"is missing; a model from a package needs {key}", key)
        if self.package is not None and "==" not in self.package:
            raise problem(f"'{self.package}' must name one version, such as 'magika==1.0.3'", "package")
        return self


class DataSource(Frozen):
    """Where samples come from: exactly one of ``builtin``, ``path`` and ``function``.

    Attributes:
        builtin: the name of a data set that comes with autotune.
        path: an .npz of arrays; with a task, a table (.csv, .jsonl, .parquet), a folder of images or recordings, one
            folder inside it per class, or a data set as the ``datasets`` library saves it; for detection, a table with
            a row per box, or the .json of COCO.
        images: of a .json of COCO: the folder of its images, where that is not its own.
        columns: of a table, role (see ``recipe.ROLES``) -> the column's name, where that is another.
        function: ``FILE.py:function``, which returns the arrays as a dict (only with --trust-code).
        options: of a builtin.
    """

    builtin: Text | None = None
    path: Text | None = None
    function: Function | None = None
    options: Options = FrozenMap()
    columns: Map[Text] = FrozenMap()
    images: Text | None = None

    @property
    def label(self) -> str:
        """The source as the user named it."""
        return self.builtin or self.path or self.function or ""

    @model_validator(mode="after")
    def _one_source(self) -> DataSource:
        given = [key for key in SOURCES if getattr(self, key) is not None]
        if len(given) != 1 and not (isinstance(self, Data) and not given and self.separate):
            raise problem("needs exactly one of builtin, path and function" + _found(given))
        if self.options and self.builtin is None:
            raise problem("only a builtin takes options", "options")
        if self.images is not None and not (self.path or "").endswith(".json"):
            raise problem("is for a .json of COCO; other tables name files relative to their own folder", "images")
        for role in self.columns:
            if role not in ROLES:
                raise problem(unknown("role of a column", role, ROLES), "columns", role)
        return self


class Shares(Frozen):
    """How one source is divided; three positive shares that sum to 1.

    Attributes:
        calibration: its samples set the ranges; they need no labels.
        search: candidates are scored on it.
        holdout: finalists are judged on it, once each.
    """

    calibration: Annotated[float, Gt(0), Lt(1)] = 0.15
    search: Annotated[float, Gt(0), Lt(1)] = 0.25
    holdout: Annotated[float, Gt(0), Lt(1)] = 0.6

    @model_validator(mode="after")
    def _sum(self) -> Shares:
        total = self.calibration + self.search + self.holdout
        if abs(total - 1) > 1e-6:
            raise problem(
                f"the shares calibration, search and holdout must sum to 1, not {total:.6g} "
                "(what is left out counts with its default)"
            )
        return self


class Data(DataSource):
    """The three splits: one source divided by ``split``, or one source for each.

    Attributes:
        split: the shares of one source.
        calibration: a source of its own for the samples that set the ranges; the three go together.
        search: the same for the samples that candidates are scored on.
        holdout: the same for the samples that finalists are judged on.
    """

    split: Shares = Shares()
    calibration: DataSource | None = None
    search: DataSource | None = None
    holdout: DataSource | None = None

    @property
    def separate(self) -> bool:
        """True when each split has its own source."""
        return any(getattr(self, part) is not None for part in PARTS)

    @property
    def parts(self) -> Mapping[str, DataSource]:
        """The source, or the three, by their key in a recipe: ``data``, ``data.search``."""
        return {f"data.{part}": getattr(self, part) for part in PARTS} if self.separate else {"data": self}

    @property
    def label(self) -> str:
        """The source, or the three, as the user named them."""
        if not self.separate:
            return DataSource.label.fget(self)  # type: ignore[attr-defined,no-any-return]
        return ", ".join(f"{part} {getattr(self, part).label}" for part in PARTS)

    @model_validator(mode="after")
    def _separate(self) -> Data:
        missing = [part for part in PARTS if getattr(self, part) is None]
        if not self.separate:
            return self
        if missing:
            raise problem(f"calibration, search and holdout go together; {' and '.join(missing)} is missing")
        given = [key for key in SOURCES if getattr(self, key) is not None]
        if given:
            raise problem(f"has {given[0]} and also three separate sources; keep one of the two")
        if "split" in self.model_fields_set:
            raise problem("three separate sources are not divided; remove split", "split")
        return self


def _found(given: list[str]) -> str:
    return f", not {' and '.join(given)}" if given else ""


def named_source(given: str) -> dict[str, Any]:
    """Return the source that ``--data`` names: FILE.py:function, the bare name of a builtin, or a file or folder.

    What is there by that name comes before a builtin.
    """
    if FUNCTION.fullmatch(given):
        return {"function": given}
    is_name = re.fullmatch(r"[\w-]+", given) and not Path(given).exists()
    return {"builtin" if is_name else "path": given}


def named_model(given: str) -> dict[str, Any]:
    """Return the model that ``MODEL`` names: FILE.py:factory or a path."""
    return {"function" if FUNCTION.fullmatch(given) else "path": given}
