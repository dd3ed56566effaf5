"""Lets Olive 0.13.0 use a metric of one's own: as released it cannot write such a configuration down.

The serialisers of two optional fields call a method of their value without looking whether there is one, and a third
field forgets what belongs to its value's own class: the function that evaluates. A user with a metric of their own
would have to repair that too, so the comparison does; nothing else of Olive is changed.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType
from typing import Any

MODULE = "olive.evaluator.metric"
LINES = {
    "return metric_config.model_dump()": "return None if metric_config is None else metric_config.model_dump()",
    "return backend if isinstance(backend, str) else backend.model_dump()": "return backend",
    "user_config: Optional[ConfigBase] = Field(": "user_config: Optional[SerializeAsAny[ConfigBase]] = Field(",
    "from pydantic import Field, ": "from pydantic import SerializeAsAny, Field, ",
}


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        source = self.get_source(fullname) or ""
        for wrong, right in LINES.items():
            if source.count(wrong) != 1:
                raise RuntimeError(f"this is not the Olive that is compared: no '{wrong}'")
            source = source.replace(wrong, right)
        return compile(source, self.path, "exec")


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == MODULE else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin)
        return spec


def repair() -> None:
    """Have the lines repaired when Olive is imported."""
    sys.meta_path.insert(0, _Finder())
