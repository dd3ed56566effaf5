"""YAML text to plain data with the line of every key, and back. Knows nothing of what a recipe is.

YAML 1.2: only ``true`` and ``false`` are booleans, so ``off`` is text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from autotune.errors import UserError

Key = tuple[str | int, ...]

# Texts that ruamel may write without quotes, if it does not take them for a number or the like.
_BARE = re.compile(r"[\w./]([\w./%=+@ -]|:(?=\w))*(?<! )")


@dataclass(frozen=True)
class Origin:
    """Where values came from: what error messages about them begin with.

    Attributes:
        file: the recipe's file as the user wrote it; empty without one.
        lines: key -> line, counted from 1, in ``file`` or that of ``files``.
        files: key -> the file that it stands in, where that is not ``file``: an included one.
        options: key -> the command line option that set it.
    """

    file: str = ""
    lines: Mapping[Key, int] = field(default_factory=dict)
    files: Mapping[Key, str] = field(default_factory=dict)
    options: Mapping[Key, str] = field(default_factory=dict)

    def where(self, *key: str | int) -> str:
        """Return ``recipes/x.yaml:12: space.activations.estimator``, or the option's name if one set the value."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.options:
                return self.options[key[:length]]
        dotted = ".".join(part for part in key if isinstance(part, str))
        if not self.file:
            return dotted
        near = self._nearest(key)
        place = f"{self.files.get(near, self.file)}:{self.lines.get(near, 1)}"
        return f"{place}: {dotted}" if dotted else place

    def line(self, key: Key) -> int:
        """Return the line of the nearest known ancestor of ``key``, 0 without a file."""
        return self.lines.get(self._nearest(key), 0)

    def order(self, key: Key) -> tuple[bool, int]:
        """Return what problems are sorted by: those of the recipe itself first, then by line."""
        return self.files.get(self._nearest(key), self.file) != self.file, self.line(key)

    def _nearest(self, key: Key) -> Key:
        return next((key[:n] for n in range(len(key), -1, -1) if key[:n] in self.lines), ())


def parse(text: str, file: str) -> tuple[dict[str, Any], Origin]:
    """Return the mapping that YAML ``text`` holds, as plain data, and where each key stands.

    Raises:
        UserError: broken YAML, duplicate keys, an empty text, not a mapping; with ``file:line``.
    """
    try:
        root = YAML().load(text)
    except MarkedYAMLError as error:
        raise UserError(_broken(error, file)) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(
            f"{file}:{line}: holds a character that YAML does not allow; save the file as UTF-8 text."
        ) from None
    except (
        YAMLError,
        AttributeError,
        ValueError,
        RecursionError,
    ) as error:  # ruamel's own slips on odd tags and numbers
        raise UserError(f"{file}: is not YAML that can be read ({error}).") from None
    if root is None:
        raise UserError(f"{file}:1: the recipe is empty; start with 'version: 1'.")
    if not isinstance(root, CommentedMap):
        raise UserError(f"{file}:1: a recipe is a mapping of keys such as 'version: 1', not {_kind(root)}.")
    lines: dict[Key, int] = {(): root.lc.line + 1}
    data = _plain(root, (), lines, Origin(file, lines), ())
    return data, Origin(file, lines)


def read(path: Path) -> str:
    """Return the text of a recipe file.

    Raises:
        UserError: missing, a folder, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        near = sorted(p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        hint = f"; {path.parent} holds {', '.join(near[:5])}" if near else ""
        raise UserError(f"{path}: no such recipe file{hint}.") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder; give the recipe file inside it.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None


def write(data: Mapping[str, Any]) -> str:
    """Return YAML whose :func:`parse` is ``data``: blocks outside, short lists and innermost mappings on one line."""
    yaml = YAML()
    yaml.width = 1_000_000
    yaml.allow_unicode = True
    stream = io.StringIO()
    yaml.dump(_styled(data), stream)
    return stream.getvalue()


def _plain(node: object, key: Key, lines: dict[Key, int], origin: Origin, parents: tuple[int, ...]) -> Any:
    if id(node) in parents:
        raise UserError(f"{origin.where(*key)}: contains itself; remove the alias.")
    parents = (*parents, id(node))
    if isinstance(node, CommentedMap):
        plain = {}
        for name, value in node.items():
            # A merged key ("<<") has no line of its own.
            known = node.lc.data.get(name) if node.lc.data else None
            child = (*key, name if isinstance(name, str) else str(name))
            lines[child] = (known[0] + 1) if known else origin.line(key)
            if not isinstance(name, str):
                raise UserError(f"{origin.where(*child)}: a key must be text; put it in quotes: '{name}'.")
            plain[str(name)] = _plain(value, child, lines, origin, parents)
        return plain
    if isinstance(node, CommentedSeq):
        items = []
        for index, value in enumerate(node):
            lines[*key, index] = node.lc.item(index)[0] + 1
            items.append(_plain(value, (*key, index), lines, origin, parents))
        return items
    if isinstance(node, TaggedScalar):
        raise UserError(f"{origin.where(*key)}: the tag {node.tag.value} is not allowed; write a plain value.")
    return _scalar(node)


def _scalar(node: object) -> Any:
    """Return a builtin instead of ruamel's subclass of it; dates become the text that was written."""
    if node is None or isinstance(node, bool):
        return node
    if type(node).__name__ == "ScalarBoolean":
        return bool(node)
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)


def _broken(error: MarkedYAMLError, file: str) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{file}:{mark.line + 1}" if mark else file
    what = str(error.problem or error.context or "cannot be read").split("\n")[0]
    if what.startswith("found duplicate key"):
        name = what.split('"')[1] if '"' in what else ""
        within = f" in the mapping that begins on line {error.context_mark.line + 1}" if error.context_mark else ""
        return f"{place}: the key '{name}' stands twice{within}; keep one."
    if "another document" in what:
        return f"{place}: a second document starts here; a recipe is one document, remove the '---'."
    return f"{place}: broken YAML: {what}."


def _kind(root: object) -> str:
    return "a list" if isinstance(root, list) else f"{str(root)[:40]!r}"


def _styled(value: Any, depth: int = 0) -> Any:
    if isinstance(value, Mapping):
        styled = CommentedMap({_text(k): _styled(v, depth + 1) for k, v in value.items()})
        simple = not any(isinstance(v, Mapping) for v in value.values())
        if not value or (depth >= 1 and simple and len(str(value)) <= 100 and (depth >= 3 or len(value) <= 4)):
            styled.fa.set_flow_style()
        return styled
    if isinstance(value, list | tuple):
        seq = CommentedSeq([_styled(item, depth + 3) for item in value])
        seq.fa.set_flow_style()
        return seq
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    # ruamel leaves some texts bare that do not survive (a leading "?" inside braces, line separators).
    return value if _BARE.fullmatch(value) else DoubleQuotedScalarString(value)
