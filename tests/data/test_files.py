from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from autotune.errors import UserError
from autotune.files import replacing, write_bytes, write_text


def test_writes_whole_files_and_makes_folders(tmp_path):
    write_text(tmp_path / "a" / "b.txt", "größer\n")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "größer\n".encode()
    write_bytes(tmp_path / "a" / "b.txt", b"new")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"new"
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "x.json", "old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "x.json") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "x.json").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    write_text(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_one_sentence(tmp_path):
    with (
        pytest.raises(UserError, match=r"Cannot write .*: the disk is full; free some space"),
        replacing(tmp_path / "x"),
    ):
        os.write(os.open("/dev/full", os.O_WRONLY), b"x")
    assert not list(tmp_path.iterdir())


def test_a_folder_of_the_same_name_and_a_file_as_folder(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="a folder of this name exists"):
        write_text(tmp_path / "folder", "x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="Cannot write"):
        write_text(tmp_path / "file" / "x", "x")


def test_other_errors_pass(tmp_path):
    with pytest.raises(OSError, match="odd"), replacing(tmp_path / "x"):
        raise OSError(errno.EIO, "odd")
