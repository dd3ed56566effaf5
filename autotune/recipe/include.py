"""Recipes built on others: ``include`` in a recipe, and what it changes of the included ones.

The rule is that of a JSON merge patch (RFC 7396): mappings are merged key by key, everything else (lists too) is
replaced, and null takes a key away. Two additions, for keys that exclude each other: naming another source of a model,
of data or of a metric takes the included source away; and an estimator is one value, however it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from autotune.errors import UserError
from autotune.recipe.document import Key, Origin, parse, read
from autotune.recipe.paths import relative, with_paths
from autotune.recipe.shipped import located
from autotune.recipe.values import shown

INCLUDE = "include"
# Of one file alone: two recipes with one name would share run folders.
_OWN = ("name", "description", INCLUDE)
# Sources that exclude each other, and the keys that mean something to one of them only.
_SOURCES: dict[str, dict[str, tuple[str, ...]]] = {
    "model": {"path": (), "package": ("file", "folder", "sha256"), "function": ()},
    "data": {"builtin": ("options",), "path": ("images",), "function": ()},
    "metric": {"name": (), "function": ("direction",)},
}
_ONE_VALUE = ("estimator",)
Check = Callable[[Mapping[str, Any], Origin], None]


def read_merged(path: Path, check: Check) -> tuple[dict[str, Any], Origin]:
    """Return what a recipe file says, with what it includes, as plain data, and where each key stands.

    Args:
        check: raises where a file's own version cannot be read; called with each file's plain data.

    Raises:
        UserError: a file is missing or broken, or includes itself, directly or through others.
    """
    return _read(path, check, ())


def _read(path: Path, check: Check, parents: tuple[Path, ...]) -> tuple[dict[str, Any], Origin]:
    plain, origin = parse(read(path), str(path))
    if "version" in plain or INCLUDE not in plain:
        check(plain, origin)
    merged: dict[str, Any] = {}
    whole = Origin(origin.file)
    parents = (*parents, path.resolve())
    for key, name in _included(plain, origin):
        other = _place(name, path, origin.where(*key))
        if other.resolve() in parents:
            raise UserError(f"{origin.where(*key)}: {name} leads back to itself; a recipe cannot include itself.")
        if not other.is_file():
            raise UserError(f"{origin.where(*key)}: there is no recipe file {other}; a path is relative to this file.")
        theirs, where = _read(other, check, parents)
        merged, whole = _merge(merged, whole, _moved(theirs, other, path), where)
    own = {key: value for key, value in plain.items() if key != INCLUDE}
    return _merge(merged, whole, own, origin) if merged else (own, origin)


def _included(plain: Mapping[str, Any], origin: Origin) -> list[tuple[Key, str]]:
    given = plain.get(INCLUDE, [])
    named: list[tuple[Key, Any]] = [((INCLUDE,), given)]
    if isinstance(given, list):
        named = [((INCLUDE, number), name) for number, name in enumerate(given)]
    for key, name in named:
        if not isinstance(name, str) or not name.strip():
            raise UserError(
                f"{origin.where(*key)}: must be a recipe file, or a list of them, not {shown(name)}; "
                "write 'include: base.yaml'."
            )
    return named


def _place(name: str, path: Path, where: str) -> Path:
    try:
        shipped = located(name)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return path.parent / name if shipped is None else shipped


def _moved(plain: dict[str, Any], old: Path, new: Path) -> dict[str, Any]:
    """Return an included recipe without what is its own, its paths as they read from the including one's folder."""
    folders = old.absolute().parent, new.absolute().parent
    return with_paths({k: v for k, v in plain.items() if k not in _OWN}, lambda text: relative(text, *folders))


def _merge(
    old: dict[str, Any], old_origin: Origin, new: dict[str, Any], new_origin: Origin
) -> tuple[dict[str, Any], Origin]:
    """Return ``old`` with the changes of ``new``, and for each key the file and line that it was last written in."""
    lines, files = dict(old_origin.lines), dict(old_origin.files)
    for key in old_origin.lines:
        files.setdefault(key, old_origin.file)
    merged = _patched(old, new, ())
    for key, line in new_origin.lines.items():
        lines[key], files[key] = line, new_origin.files.get(key, new_origin.file)
    return merged, replace(new_origin, lines=lines, files=files)


def _patched(old: Mapping[str, Any], new: Mapping[str, Any], key: tuple[str, ...]) -> dict[str, Any]:
    merged = dict(old)
    for gone in _given_up(new, key):
        merged.pop(gone, None)
    for name, value in new.items():
        before = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(before, Mapping) and name not in _ONE_VALUE:
            merged[name] = _patched(before, value, (*key, name))
        else:
            merged[name] = value
    return merged


def _given_up(new: Mapping[str, Any], key: tuple[str, ...]) -> list[str]:
    """Return the included keys that make no sense beside the source that ``new`` names."""
    sources = _SOURCES.get(key[0], {}) if key else {}
    chosen = [source for source in sources if new.get(source) is not None]
    gone = [source for source in sources if chosen and source not in chosen]
    return [*gone, *(belongs for source in gone for belongs in sources[source])]
