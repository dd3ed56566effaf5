"""Where downloaded files and recorded statistics are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the cache folder: ``$AUTOTUNE_CACHE``, else the user's cache folder of this platform. May not exist."""
    chosen = os.environ.get("AUTOTUNE_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("autotune", appauthor=False))
