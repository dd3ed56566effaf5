"""Writes what a run leaves for people and programs, each file whole or not at all."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

from autotune.errors import UserError
from autotune.files import write_text
from autotune.outcome import RunRecord
from autotune.report.html import render
from autotune.report.plain import plain
from autotune.report.summary import summary
from autotune.report.tables import FRAMES, as_csv


def write_reports(run: RunRecord, directory: Path) -> None:
    """Write report.html, the tables and run.json into ``directory``, over older ones.

    Raises:
        UserError: the disk is full, or the folder cannot be written to.
    """
    for name, frame in FRAMES.items():
        write_text(directory / name, as_csv(frame(run)))
    write_text(directory / "run.json", json.dumps(summary(run), indent=2, allow_nan=False) + "\n")
    write_text(directory / "report.html", render(run))


def save_record(run: RunRecord, path: Path) -> None:
    """Write the whole run as JSON, from which :func:`load_record` gives an equal one.

    Numbers that JSON does not know are written as the texts ``NaN``, ``Infinity`` and ``-Infinity``.

    Raises:
        UserError: the disk is full, or the folder cannot be written to.
    """
    write_text(path, json.dumps(plain(asdict(run), _named), allow_nan=False) + "\n")


def load_record(path: Path) -> RunRecord:
    """Read a run that :func:`save_record` wrote.

    Raises:
        UserError: there is no such file, or it is not a record of this version of autotune.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: no record of a finished run there; name the folder of a run.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text file, so not the record of a run; name the folder of a run.") from error
    try:
        return TypeAdapter(RunRecord).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(
            f"{path}: not a record that this version of autotune can read ({where}: {first['msg']}); "
            "use the version that wrote it, or run the tuning again."
        ) from error


def _named(value: float) -> str:
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
