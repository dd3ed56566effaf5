"""The ``autotune`` command and ``python -m autotune``.

Only the standard library is imported before Python's version is known to fit: an unsupported Python, where the
packages that we need are not installed, is answered with a sentence too.
"""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def main() -> None:
    """Entry point of the command."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        version = ".".join(map(str, sys.version_info[:2]))
        sys.stderr.write(f"Error: Python {version} is not supported; use 3.11, 3.12 or 3.13.\n")
        sys.exit(2)
    from autotune.cli import app

    app()


if __name__ == "__main__":
    main()
