"""The child process that builds and measures. Started by ``runner``; answers ``protocol`` requests until its end."""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection

from autotune.serving import serve
from autotune.workshop import Workshop

if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])), Workshop)
