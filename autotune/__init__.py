"""The fastest OpenVINO model for this CPU that keeps your accuracy, with evidence."""

from __future__ import annotations

import os
from typing import Any


def load(directory: str | os.PathLike[str]) -> Any:
    """Compile a deployed model exactly as it was judged; see :func:`autotune.deploy.load`."""
    from autotune.deploy import load as load_deployed

    return load_deployed(directory)


__all__ = ["load"]
