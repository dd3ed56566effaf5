import os
import re
from pathlib import Path

import psutil
import pytest

from autotune import hardware
from autotune.errors import UserError

ZEN4 = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16")
SAPPHIRE = (*ZEN4, "avx_vnni", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16")
HASWELL = ("sse4_2", "avx", "avx2", "fma")


@pytest.fixture
def no_cap(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in hardware.CAP_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("flags", "cap", "saturates"),
    [
        (ZEN4, "native", False),
        (ZEN4, "AVX512_CORE_VNNI", False),
        (ZEN4, "AVX512_CORE", True),
        (ZEN4, "AVX2", True),
        (ZEN4, "AVX2_VNNI", True),  # has AVX512-VNNI, but not AVX-VNNI: falls back to AVX2
        (SAPPHIRE, "AVX2_VNNI", False),
        (HASWELL, "native", True),
        (("asimd", "asimddp"), "native", False),
        ((), "native", True),
    ],
)
def test_can_saturate(flags: tuple[str, ...], cap: str, saturates: bool):
    assert hardware.can_saturate(flags, cap) is saturates


@pytest.mark.parametrize(
    ("precision", "flags", "cap", "native"),
    [
        ("f32", HASWELL, "native", True),
        ("bf16", ZEN4, "native", True),
        ("bf16", ZEN4, "AVX512_CORE_VNNI", False),
        ("bf16", HASWELL, "native", False),
        ("f16", ZEN4, "native", False),
        ("f16", SAPPHIRE, "native", True),
        ("f16", SAPPHIRE, "AVX512_CORE_BF16", False),
        ("f16", (), "native", True),
    ],
)
def test_computes_natively(precision: str, flags: tuple[str, ...], cap: str, native: bool):
    assert hardware.computes_natively(precision, flags, cap) is native


def test_instruction_set(no_cap: pytest.MonkeyPatch):
    assert hardware.instruction_set() == "native"
    no_cap.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
    with pytest.raises(UserError, match="OV_CPU_MAX_ISA is not set"):
        hardware.instruction_set()
    no_cap.setenv("OV_CPU_MAX_ISA", "AVX2")
    assert hardware.instruction_set() == "AVX2"
    assert hardware.fingerprint().instruction_set == "AVX2"


def test_unknown_instruction_set(no_cap: pytest.MonkeyPatch):
    for name in hardware.CAP_VARIABLES:
        no_cap.setenv(name, "AVX512_VNNI")
    with pytest.raises(UserError, match="AVX512_CORE_VNNI"):
        hardware.instruction_set()


def test_fingerprint(no_cap: pytest.MonkeyPatch):
    found = hardware.fingerprint(3)
    assert found.threads == 3 and found.cores == hardware.usable_cores() >= 1
    assert found.cpu and found.memory_gib > 0
    if "cpu family" in Path("/proc/cpuinfo").read_text():  # two generations may have one name in a virtual machine
        assert re.search(r"\(family \d+, model \d+\)$", found.cpu)
    assert {"python", "openvino", "nncf", "optuna"} <= set(found.versions)
    assert hardware.fingerprint().threads == found.cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs CPU affinity")
def test_affinity_limits_the_cores():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert hardware.usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


def cgroup(root: Path, membership: str, files: dict[str, str]) -> tuple[Path, Path]:
    (root / "self").write_text(membership)
    for name, text in files.items():
        (root / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "fs" / name).write_text(text)
    return root / "self", root / "fs"


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"a/cpu.max": "400000 100000", "a/b/cpu.max": "800000 100000"}, 4.0),
        ("0::/a/b\n", {"cpu.max": "200000 100000"}, 2.0),
        ("4:cpu,cpuacct:/d\n0::/\n", {"cpu/d/cpu.cfs_quota_us": "300000", "cpu/d/cpu.cfs_period_us": "100000"}, 3.0),
        ("4:cpu,cpuacct:/d\n", {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "1"}, None),
        ("4:memory:/d\n", {"memory/d/cpu.max": "1 1"}, None),
    ],
)
def test_cgroup_quota(tmp_path: Path, membership: str, files: dict[str, str], quota: float | None):
    assert hardware.cgroup_quota(*cgroup(tmp_path, membership, files)) == quota


def test_no_cgroup(tmp_path: Path):
    assert hardware.cgroup_quota(tmp_path / "missing", tmp_path) is None


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/a/b\n", {"a/memory.max": "4096\n", "a/b/memory.max": "max\n"}, 4096),
        ("4:memory:/d\n0::/\n", {"memory/d/memory.limit_in_bytes": "2048\n"}, 2048),
        ("0::/\n", {"memory.max": "max\n"}, None),
    ],
)
def test_cgroup_memory(tmp_path: Path, membership: str, files: dict[str, str], limit: int | None):
    assert hardware.cgroup_memory(*cgroup(tmp_path, membership, files)) == limit


def test_usable_memory_is_at_most_the_machines():
    assert 0 < hardware.usable_memory() <= psutil.virtual_memory().total


SAPPHIRE_RAPIDS = hardware.effective_flags(hardware.FLAGS_OF_INTEREST, "AVX512_CORE_AMX")
ZEN4 = {"sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16"}


@pytest.mark.parametrize(
    ("flags", "offered"),
    [
        (SAPPHIRE_RAPIDS, ("native", *hardware.ISA_NAMES)),
        (ZEN4, ("native", "avx2", "avx512", "avx512-vnni", "avx512-bf16")),
        ({"sse4_2", "avx", "avx2", "fma", "avx_vnni"}, ("native", "avx2", "avx2-vnni")),
        ({"asimd"}, ("native",)),
    ],
)
def test_instruction_sets_to_restrict_to(flags: set[str], offered: tuple[str, ...]):
    assert hardware.offered_isas(flags) == offered


def test_restricting(no_cap: pytest.MonkeyPatch):
    for name in hardware.CAP_VARIABLES:
        no_cap.setenv(name, "")
    hardware.restrict("native")
    assert hardware.instruction_set() == "native"
    with pytest.raises(UserError, match="Did you mean 'avx512-vnni'"):
        hardware.restrict("avx512_vnni")
    missing = set(hardware.ISA_NAMES) - set(hardware.offered_isas(hardware.flags()))
    for isa in missing:
        with pytest.raises(UserError, match=f"--isa {isa}: this CPU does not have it"):
            hardware.restrict(isa)
    if "avx2" in hardware.flags():
        hardware.restrict("avx2")
        assert hardware.instruction_set() == "AVX2"
