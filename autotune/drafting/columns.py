"""Which column of a table plays which role: by its name, else by what it holds. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from autotune.sources.looking import Column

# Names that tables in the wild have, the likelier first.
_NAMES: dict[str, tuple[str, ...]] = {
    "text": (
        *(
            "text",
            "sentence",
            "sentence1",
            "text1",
            "text_a",
            "premise",
            "question",
            "query",
            "review",
            "content",
            "body",
        ),
        *("tokens", "words", "document", "tweet", "comment", "message", "title"),
    ),
    "text_pair": (
        *("text_pair", "sentence2", "text2", "text_b", "hypothesis", "context", "passage", "question2", "answer_text"),
    ),
    "label": (
        *("label", "labels", "class", "category", "target", "sentiment", "score", "similarity", "stars", "rating"),
        *("topic", "intent", "answer", "answers", "ner_tags", "tags", "is_duplicate"),
    ),
    "group": ("group", "groups"),
}
_OTHER_NAMES = {"question-answering": {"text_pair": ("context", "passage", "text", "document"), "text": ("question",)}}
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
    wanted = [*needs, *(["label"] if task in _LABELLED and "label" not in needs else []), "group"]
    taken: dict[str, str] = {}
    for role in dict.fromkeys(wanted):
        found = _named(role, columns, task, taken) or (_alike(role, columns, taken) if role != "group" else None)
        if found is not None:
            taken[role] = found
    missing = tuple(role for role in dict.fromkeys(wanted) if role != "group" and role not in taken)
    return {role: name for role, name in taken.items() if role != name}, missing


def _named(role: str, columns: Sequence[Column], task: str | None, taken: dict[str, str]) -> str | None:
    free = {column.name.lower(): column.name for column in columns if column.name not in taken.values()}
    names = (*_OTHER_NAMES.get(task or "", {}).get(role, ()), *_NAMES[role])
    return next((free[name] for name in names if name in free), None)


def _alike(role: str, columns: Sequence[Column], taken: dict[str, str]) -> str | None:
    """A text is the column with the longest cells; a label the one left with the fewest distinct ones."""
    free = [column for column in columns if column.name not in taken.values()]
    if role == "text":
        texts = [column for column in free if column.length > 0]
        return max(texts, key=lambda column: column.length).name if texts else None
    if role == "label" and "text" in taken and len(free) == 1:
        return free[0].name
    return None
