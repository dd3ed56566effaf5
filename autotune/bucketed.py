"""A deployed model of a few static lengths: each text runs at the least that holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autotune.errors import UserError


@dataclass(frozen=True)
class Shapes:
    """The lengths that the inputs of a deployed model may have.

    Attributes:
        most: tokens that it takes; None for no limit, or where its shapes are static.
        buckets: lengths to pad to, ascending; empty where none is padded.
        padding: input -> what is put behind its end; 0 for those that are not named.
    """

    most: int | None = None
    buckets: tuple[int, ...] = ()
    padding: Mapping[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps({"most": self.most, "buckets": list(self.buckets), "padding": dict(self.padding)}, indent=2)

    @classmethod
    def read(cls, path: Path) -> Shapes:
        """Read what :meth:`text` wrote; a folder without it has one static shape.

        Raises:
            UserError: it is damaged.
        """
        try:
            found = json.loads(path.read_text())
            return cls(found["most"], tuple(map(int, found["buckets"])), dict(found["padding"]))
        except FileNotFoundError:
            return cls()
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UserError(f"{path}: is damaged; deploy the run's model folder again.") from None


class Bucketed:
    """Called like an ``openvino.CompiledModel``, with one text of any length up to the longest bucket.

    Outputs are those of the padded text: of an output with a value per token, what is behind the text's end means
    nothing.

    Attributes:
        buckets: lengths that there are, ascending.
        inputs, outputs: those of the longest one.
    """

    def __init__(self, compiled: Mapping[int, Any], padding: Mapping[str, int]) -> None:
        """Take an ``openvino.CompiledModel`` per length, and what is put behind the end of inputs."""
        self._compiled = dict(sorted(compiled.items()))
        self._padding = dict(padding)
        self.buckets = tuple(self._compiled)
        longest = self._compiled[self.buckets[-1]]
        self.inputs, self.outputs = longest.inputs, longest.outputs

    def compiled(self, length: int) -> Any:
        """Return the ``openvino.CompiledModel`` that a text of so many tokens runs in.

        Raises:
            UserError: it is longer than the longest bucket.
        """
        bucket = next((bucket for bucket in self.buckets if bucket >= length), None)
        if bucket is None:
            raise UserError(f"The text has {length} tokens and the longest bucket {self.buckets[-1]}; cut it.")
        return self._compiled[bucket]

    def __call__(self, inputs: Mapping[str, ArrayLike]) -> Any:
        """Run one text.

        Args:
            inputs: by name, shape (1, tokens), as the tokenizer gives them.

        Returns:
            What the ``openvino.CompiledModel`` returns: outputs by name and by place.

        Raises:
            UserError: it is longer than the longest bucket.
        """
        arrays = {name: np.asarray(values) for name, values in inputs.items()}
        compiled = self.compiled(max(values.shape[-1] for values in arrays.values()))
        length = compiled.inputs[0].shape[-1]
        return compiled({name: self._padded(name, values, length) for name, values in arrays.items()})

    def _padded(self, name: str, values: np.ndarray[Any, Any], length: int) -> np.ndarray[Any, Any]:
        missing = [(0, 0)] * (values.ndim - 1) + [(0, length - values.shape[-1])]
        return np.pad(values, missing, constant_values=self._padding.get(name, 0))
