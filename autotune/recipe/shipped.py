"""The recipes that come with autotune: ``recipe:file-type`` is one of them, wherever it is installed.

``shipped`` in the package is a link to ``recipes/`` at the root of the repository, which is the one source; an
installed package has the files themselves there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from autotune.errors import UserError, suggest
from autotune.recipe.document import parse, read

PREFIX = "recipe:"
FOLDER = Path(__file__).parent.parent / "shipped"


@dataclass(frozen=True)
class Shipped:
    """A recipe that comes with autotune.

    Attributes:
        name: what stands behind ``recipe:``.
        description: one line.
    """

    name: str
    path: Path
    description: str


def shipped() -> tuple[Shipped, ...]:
    """Return the recipes that come with autotune, by name."""
    return tuple(Shipped(path.stem, path, describe(read(path), str(path))) for path in sorted(FOLDER.glob("*.yaml")))


def located(name: str) -> Path | None:
    """Return the file of ``recipe:NAME``; None for anything else.

    Raises:
        UserError: no recipe of this name comes with autotune.
    """
    if not name.startswith(PREFIX):
        return None
    path = FOLDER / f"{name.removeprefix(PREFIX)}.yaml"
    if path.parent != FOLDER or not path.is_file():
        hint = suggest(name.removeprefix(PREFIX), [path.stem for path in FOLDER.glob("*.yaml")])
        raise UserError(f"there is no {name}. {hint} 'autotune recipes' lists them.")
    return path


def describe(text: str, file: str) -> str:
    """Return a recipe's ``description``, else the first sentence of the comment that it begins with."""
    plain, _ = parse(text, file)
    given = plain.get("description")
    if isinstance(given, str):
        return " ".join(given.split())
    comment = re.match(r"(?:[ \t]*#.*\n)+", text)
    words = " ".join(re.sub(r"^[ \t]*#+", "", comment[0], flags=re.M).split()) if comment else ""
    return re.split(r"(?<=[a-z)])[.:] ", words, maxsplit=1)[0]
