"""What metric, task and columns follow from facts, and what is admitted not to follow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autotune.drafting.guess import guess
from autotune.sources.looking import Column, DataFacts, Labels, ModelFacts, Port

X = Port("x", (None, 8), "f32")
DATA = (Port("x", (100, 8), "float32"),)
CLASSES = Labels((), "i", True, 3, 0, 2)
BINARY = Labels((), "i", True, 2, 0, 1)
REAL = Labels((), "f", False, 100, -1.5, 3.25)


def scores(*shape: int | None, name: str = "y", element: str = "f32") -> Port:
    return Port(name, shape, element)


@pytest.mark.parametrize(
    ("outputs", "labels", "metric"),
    [
        ([scores(None, 3)], CLASSES, "accuracy"),
        ([scores(1, None)], CLASSES, "accuracy"),
        ([scores(None, 1)], BINARY, "auc"),
        ([scores(None)], BINARY, "auc"),
        ([scores(None, 2)], BINARY, "accuracy"),
        ([scores(None, element="i64")], CLASSES, "accuracy"),
        ([scores(None, 1)], REAL, "mae"),
        ([scores(1, 5, 4, 4)], Labels((4, 4), "u", False, 5, 0, 4), "accuracy"),
        ([scores(None, 7, name="other"), scores(None, 1, name="value")], REAL, {"name": "mae", "output": "value"}),
        ([scores(None, 3)], None, "cosine-to-float"),
        ([], CLASSES, "accuracy"),
        ([], REAL, "mae"),
    ],
)
def test_metric(outputs: list[Port], labels: Labels | None, metric: Any) -> None:
    made = guess(ModelFacts((X,), tuple(outputs)), DataFacts(100, DATA, labels), None)
    assert (made.metric, made.open) == (metric, ())


@pytest.mark.parametrize(
    ("output", "labels"),
    [
        (scores(None, 2), CLASSES),  # a label beyond the scores
        (scores(None, 3), REAL),
        (scores(None, 3), Labels((), "U", True, 3, 0, 0)),
        (Port("y", None, "f32"), CLASSES),
    ],
)
def test_no_metric_fits(output: Port, labels: Labels) -> None:
    made = guess(ModelFacts((X,), (output,)), DataFacts(100, DATA, labels), None)
    assert made.metric == "cosine-to-float"
    assert len(made.open) == 1 and made.open[0].startswith("metric: ")


def texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, False, 50, 30.0) for name in names)


@pytest.mark.parametrize(
    ("head", "columns", "task", "names"),
    [
        ("BertForSequenceClassification", texts("text", "label"), "text-classification", {}),
        ("BertForSequenceClassification", texts("premise", "hypothesis", "label"), "text-classification",
         {"text": "premise", "text_pair": "hypothesis"}),
        ("XForQuestionAnswering", texts("context", "question", "answers"), "question-answering",
         {"text": "question", "text_pair": "context", "label": "answers"}),
        ("XForTokenClassification", texts("tokens", "ner_tags"), "token-classification",
         {"text": "tokens", "label": "ner_tags"}),
        ("BertModel", texts("sentence1", "sentence2", "score"), "sentence-similarity",
         {"text": "sentence1", "text_pair": "sentence2", "label": "score"}),
        ("BertModel", texts("abstract"), "feature-extraction", {"text": "abstract"}),
    ],
)  # fmt: skip
def test_task_and_columns(head: str, columns: tuple[Column, ...], task: str, names: dict[str, str]) -> None:
    made = guess(ModelFacts(architecture=head, is_folder=True), DataFacts(50, columns=columns), None)
    assert (made.task, made.columns, made.open, made.metric) == (task, names, (), None)


def test_a_head_of_one_number_is_no_classifier() -> None:
    model = ModelFacts(architecture="BertForSequenceClassification", is_folder=True, labels=("LABEL_0",))
    columns = (Column("text", False, 50, 40.0), Column("label", True, 30, 0.0))
    assert guess(model, DataFacts(50, columns=columns), None).metric == "rmse"
    assert guess(replace(model, labels=("a", "b")), DataFacts(50, columns=columns), None).metric is None


def test_a_column_that_is_missing() -> None:
    model = ModelFacts(architecture="BertForSequenceClassification", is_folder=True)
    made = guess(model, DataFacts(50, columns=texts("text", "author", "date")), None)
    assert made.open == (
        "data.columns: no column looks like the 'label' of text-classification; there are text, author, date.",
    )


ONE_HOT = Labels((3,), "f", False, 2, 0, 1, is_one_hot=True)


@pytest.mark.parametrize(
    ("arrays", "labels", "said"),
    [
        (DATA, ONE_HOT, "save labels.argmax(1) instead"),
        (
            DATA,
            Labels((), "i", True, 3, 1, 3),
            "labels go from 1 to 3, the outputs' classes from 0 to 2; if they begin",
        ),
        (DATA, Labels((), "U", True, 3, 0, 0), "give class numbers in the order of the outputs"),
        ((Port("X", (100, 8), "float32"), Port("target", (100,), "int64")), None, "'target' must be called 'labels'"),
        ((Port("picture", (100, 9), "f32"), Port("y", (100,), "i8")), None, "'y' must be called 'labels'"),
        ((*DATA, Port("target", (100,), "int64")), None, "the array 'target' must be called 'labels', if that is what"),
        ((Port("x", (100, 8), "uint8"),), CLASSES, "the array 'x' is uint8 and is fed as it is"),
    ],
)
def test_what_a_new_user_gives(arrays: tuple[Port, ...], labels: Labels | None, said: str) -> None:
    made = guess(ModelFacts((X,), (scores(None, 3),)), DataFacts(100, arrays, labels), None)
    assert said in made.open[0] and len(made.open) == {"X": 2, "picture": 3}.get(arrays[0].name, 1)
