"""Images and recordings to a model's inputs and labels; one file per kind of task.

``cells`` (what a table's cell holds), ``images`` and ``audio`` (reading and the explicit steps of ``preprocess``),
``processor`` (what a transformers folder does instead), ``labels``, ``encoding`` (a table to a data set).
"""

from autotune.media.encoding import How, encode
from autotune.media.tasks import MEDIA_TASKS, MediaTask

__all__ = ["MEDIA_TASKS", "How", "MediaTask", "encode"]
