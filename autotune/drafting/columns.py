"""Which column of a table plays which role: by its name, else by what it holds. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from autotune.sources.looking import Column

# Names that tables in the wild have, the likelier first.
_NAMES = {
    "text": "text sentence sentence1 text1 text_a premise question query review content body tokens words document "
    "tweet comment message title",
    "text_pair": "text_pair sentence2 text2 text_b hypothesis question2 context passage",
    "label": "label labels class category target sentiment score similarity stars rating topic intent answer answers "
    "ner_tags tags is_duplicate",
    "group": "group groups",
}
_IN_TASK = {"question-answering": {"text": "question", "text_pair": "context passage text document"}}
# Tasks that read a label where there is one, though they do without.
_LABELLED = ("text-classification", "token-classification", "question-answering", "sentence-similarity")


def columns_for(
    needs: Sequence[str], columns: Sequence[Column], task: str | None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return role -> column, where the column is not called as the role, and the needed roles without a column.

    Args:
        needs: roles that a task cannot do without.
        task: its name; a role may have other names there, and a label may be wanted.
    """
    wanted = list(dict.fromkeys([*needs, *(["label"] if task in _LABELLED else [])]))
    welcome = ["group", *(["text_pair"] if task == "text-classification" else [])]
    taken: dict[str, str] = {}
    for role in [*wanted, *welcome]:
        found = _named(role, columns, task, taken) or (_alike(role, columns, taken) if role in wanted else None)
        if found is not None:
            taken[role] = found
    missing = tuple(role for role in wanted if role not in taken)
    return {role: name for role, name in taken.items() if role != name}, missing


def _named(role: str, columns: Sequence[Column], task: str | None, taken: dict[str, str]) -> str | None:
    free = {column.name.lower(): column.name for column in columns if column.name not in taken.values()}
    names = f"{_IN_TASK.get(task or '', {}).get(role, '')} {_NAMES[role]}"
    return next((free[name] for name in names.split() if name in free), None)


def _alike(role: str, columns: Sequence[Column], taken: dict[str, str]) -> str | None:
    """A text is the column with the longest cells; a label the one left with the fewest distinct ones."""
    free = [column for column in columns if column.name not in taken.values()]
    if role == "text":
        texts = [column for column in free if column.length > 0]
        return max(texts, key=lambda column: column.length).name if texts else None
    if role == "label" and "text" in taken and len(free) == 1:
        return free[0].name
    return None
