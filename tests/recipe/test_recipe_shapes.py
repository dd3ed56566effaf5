"""Which lengths texts have: what can be written, and what cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune import recipe
from autotune.errors import UserError
from autotune.recipe import Buckets

TEXT = "version: 1\nmodel: {{path: bert}}\ndata: {{path: d.csv}}\ntask: {{name: {task}, shapes: {shapes}}}\n{more}"


def read(path: Path, shapes: str, task: str = "fill-mask", more: str = "") -> recipe.Recipe:
    path.write_text(TEXT.format(task=task, shapes=shapes, more=more))
    return recipe.load(path)


def test_what_can_be_written_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    for text, found in {
        "static": "static",
        "dynamic": "dynamic",
        "{buckets: 3}": Buckets(buckets=3),
        "{buckets: [64, 16]}": Buckets(buckets=(16, 64)),
    }.items():
        read_once = read(path, text)
        assert read_once.task is not None and read_once.task.shapes == found
        path.write_text(recipe.dump(read_once))
        assert recipe.load(path) == read_once


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ("dinamic", "must be static, dynamic, or a mapping of the one key buckets, not 'dinamic'."),
        ("{bucket: 3}", "must be static, dynamic, or a mapping of the one key buckets, not a mapping."),
        ("{buckets: 0}", "task.shapes.buckets: must be 1 to 16, or a list of lengths, not 0."),
        ("{buckets: []}", "task.shapes.buckets: must be how many there are, or a list of lengths, not a list."),
        ("{buckets: [16, 2]}", "2 is no length; give whole numbers of at least 4."),
        ("{buckets: [16, 16]}", "lists 16 twice."),
        ("{buckets: [16]}, length: 8", "task.length: is the longest of the buckets, which are given; remove one of"),
    ],
)
def test_mistakes(tmp_path: Path, shapes: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        read(tmp_path / "r.yaml", shapes)
    assert message in str(error.value)


def test_where_shapes_are_static_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    with pytest.raises(UserError, match=r"r.yaml:4: task.shapes: is for texts; image-classification has none\."):
        read(path, "{buckets: 3}", task="image-classification", more="metric: accuracy\n")
    with pytest.raises(UserError, match=r"training: needs static shapes; remove it, or 'shapes' from the task\."):
        read(path, "dynamic", more="training: {data: {path: d.csv}}\n")
    with pytest.raises(UserError, match=r"inputs: fixes shapes that 'shapes' in the task leaves open; remove one"):
        read(path, "dynamic", more="inputs: {input_ids: [1, 8]}\n")
