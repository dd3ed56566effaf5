"""Rows of text to a model's inputs and labels, with the tokenizer of a transformers folder; one file per kind of task.

``model`` (what a folder says of itself), ``lengths`` and ``buckets`` (how many tokens), ``labels`` (names to numbers),
``encoding`` (a table to a data set). Imports transformers where a tokenizer is loaded, and never PyTorch.
"""

from autotune.text.encoding import encode
from autotune.text.model import TextModel
from autotune.text.tasks import TASKS, TextTask

__all__ = ["TASKS", "TextModel", "TextTask", "encode"]
