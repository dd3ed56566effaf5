"""The machine: cores that may be used, instruction sets, and the fingerprint every number holds for.

Nothing here imports OpenVINO: the parent process asks as well.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Collection
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from autotune.errors import UserError, suggest
from autotune.outcome import Fingerprint

NATIVE = "native"
CAP_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "OV_CPU_MAX_ISA")
PACKAGES = ("autotune", "openvino", "nncf", "optuna", "numpy")

# Linux's names of the flags that decide which kernels run, x86 then ARM, oldest first.
FLAGS_OF_INTEREST = (
    "sse4_2", "avx", "avx2", "fma", "avx_vnni", "avx_vnni_int8", "avx_ne_convert",
    "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
    "asimd", "asimddp", "asimdhp", "fphp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip
ARM_FLAGS = FLAGS_OF_INTEREST[FLAGS_OF_INTEREST.index("asimd") :]

# What each cap leaves. A newer set includes the older ones of its own line only: AVX2_VNNI needs avx_vnni, which not
# every CPU with AVX512-VNNI has.
_AVX2 = frozenset({"sse4_2", "avx", "avx2", "fma"})
_AVX512 = _AVX2 | {"avx512f", "avx512bw"}
_VNNI = _AVX512 | {"avx512_vnni"}
_BF16 = _VNNI | {"avx512_bf16"}
_FP16 = _BF16 | {"avx512_fp16", "avx_vnni"}
_AMX = _FP16 | {"amx_tile", "amx_int8", "amx_bf16"}
_ALLOWED = {
    "AVX2": _AVX2,
    "AVX2_VNNI": _AVX2 | {"avx_vnni"},
    "AVX2_VNNI_2": _AVX2 | {"avx_vnni", "avx_vnni_int8", "avx_ne_convert"},
    "AVX512_CORE": _AVX512,
    "AVX512_CORE_VNNI": _VNNI,
    "AVX512_CORE_BF16": _BF16,
    "AVX512_CORE_FP16": _FP16,
    "AVX512_CORE_AMX": _AMX,
    "AVX512_CORE_AMX_FP16": _AMX | {"amx_fp16"},
}
# What --isa calls them, oldest first; each needs its own flags and those of the older ones in its cap.
ISA_NAMES = {
    "avx2": "AVX2",
    "avx2-vnni": "AVX2_VNNI",
    "avx512": "AVX512_CORE",
    "avx512-vnni": "AVX512_CORE_VNNI",
    "avx512-bf16": "AVX512_CORE_BF16",
    "amx": "AVX512_CORE_AMX",
}
# AMX comes with these; that a CPU lacks one of them is no reason to refuse the others.
_NOT_NEEDED = {"avx512_fp16", "avx_vnni"}
_MEMORY_FILES = ("memory.max", "memory.limit_in_bytes")  # of cgroups v2 and v1
_INT8_DOT = {"avx_vnni", "avx_vnni_int8", "avx512_vnni", "amx_int8"}
_FLOAT_KERNELS = {
    "bf16": {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"},
    "f16": {"avx512_fp16", "amx_fp16", "avx_ne_convert", "asimdhp"},
}


def usable_cores() -> int:
    """Return how many physical cores this process may keep busy.

    Honours the CPU affinity (``taskset``, Kubernetes' static policy) and the cgroup's quota (``docker --cpus``),
    rounded down: one thread more than the quota allows would be throttled. Two hyper-threads count as one core,
    as OpenVINO counts for latency.
    """
    allowed = _affinity()
    siblings = {_core_of(cpu) for cpu in allowed}
    quota = cgroup_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    cores = len(siblings)
    return cores if quota is None else max(1, min(cores, int(quota + 1e-6)))


def cgroup_quota(membership: Path, mount: Path) -> float | None:
    """Return the CPU quota in cores, the smallest of the process's cgroup and those above it; None without one.

    Args:
        membership: ``/proc/self/cgroup``. mount: ``/sys/fs/cgroup``.
    """
    quotas = [q for folder in _cgroups(membership, mount, "cpu") for q in (_quota_v2(folder), _quota_v1(folder)) if q]
    return min(quotas, default=None)


def usable_memory() -> int:
    """Return the bytes of memory that this process may use: the machine's, or its cgroup's limit if that is smaller."""
    import psutil

    limit = cgroup_memory(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    total = int(psutil.virtual_memory().total)
    return total if limit is None else min(total, limit)


def cgroup_memory(membership: Path, mount: Path) -> int | None:
    """Return the memory limit in bytes, the smallest of the process's cgroup and those above it; None without one.

    Args:
        membership: ``/proc/self/cgroup``. mount: ``/sys/fs/cgroup``.
    """
    files = [folder / name for folder in _cgroups(membership, mount, "memory") for name in _MEMORY_FILES]
    limits = [int(words[0]) for words in map(_words, files) if words and words[0].isdigit()]
    return min(limits, default=None)


def flags() -> tuple[str, ...]:
    """Return the CPU's instruction sets of interest, oldest first; empty where the system does not tell."""
    found = set(_cpuinfo("flags", "Features").split())
    return tuple(flag for flag in FLAGS_OF_INTEREST if flag in found)


def instruction_set() -> str:
    """Return ``native``, or the instruction set that this process is restricted to.

    Raises:
        UserError: only one of the two variables is set, or they differ: part of OpenVINO would use other kernels
            than the rest, which can give wrong results without a word. Or the value is unknown: OpenVINO ignores it.
    """
    caps = {name: _cap(os.environ.get(name, "")) for name in CAP_VARIABLES}
    if len(set(caps.values())) > 1:
        said = " and ".join(f"{name} is {os.environ.get(name) or 'not set'}" for name in CAP_VARIABLES)
        raise UserError(f"{said}: set both environment variables to the same value, or neither.")
    cap = caps[CAP_VARIABLES[0]]
    if cap != NATIVE and cap not in _ALLOWED:
        raise UserError(f"{CAP_VARIABLES[0]}={cap}: unknown instruction set. Known: {', '.join(_ALLOWED)}.")
    return cap


def offered_isas(available: Collection[str]) -> tuple[str, ...]:
    """Return the names of the instruction sets that a CPU with these flags can be restricted to, ``native`` first."""
    found = [name for name in ISA_NAMES if _needs(name) <= set(available)]
    return (NATIVE, *found)


def restrict(isa: str) -> None:
    """Restrict every process started from now on to an instruction set; ``native`` lifts nothing and does nothing.

    Both variables are set: with that of oneDNN alone OpenVINO still lists, and defaults to, precisions whose kernels
    are then missing. Neither reaches MLAS, which computes float matrix products without fused operators.

    Raises:
        UserError: an unknown name, or the CPU does not have it.
    """
    if isa == NATIVE:
        return
    if isa not in ISA_NAMES:
        raise UserError(f"--isa: there is no '{isa}'. {suggest(isa, (NATIVE, *ISA_NAMES))}")
    offered = offered_isas(flags())
    if isa not in offered:
        raise UserError(f"--isa {isa}: this CPU does not have it; it has {', '.join(offered)}.")
    for name in CAP_VARIABLES:
        os.environ[name] = ISA_NAMES[isa]


def _needs(isa: str) -> frozenset[str]:
    needed = _ALLOWED[ISA_NAMES[isa]]
    return needed if isa == "avx2-vnni" else needed - _NOT_NEEDED


def effective_flags(available: Collection[str], cap: str) -> frozenset[str]:
    """Return the flags that an instruction set, or ``native``, leaves of those available."""
    return frozenset(available) if cap == NATIVE else frozenset(available) & _ALLOWED[cap]


def can_saturate(available: Collection[str], cap: str) -> bool:
    """Tell whether sums of 8-bit products saturate: x86 without VNNI or AMX, or a CPU that does not tell its flags.

    There, u8 * i8 products are added in pairs in 16 bits (``vpmaddubsw``) and 7-bit weights avoid the loss.
    """
    if set(available) & set(ARM_FLAGS):
        return False
    return not effective_flags(available, cap) & _INT8_DOT


def computes_natively(precision: str, available: Collection[str], cap: str) -> bool:
    """Tell whether the CPU has instructions for ``precision``; others are emulated, up to 20 times slower.

    Where the flags are not known (not Linux), every precision passes: what OpenVINO reads back decides.
    """
    if precision == "f32" or not available:
        return True
    return bool(effective_flags(available, cap) & _FLOAT_KERNELS[precision])


def fingerprint(threads: int | None = None) -> Fingerprint:
    """Return the machine and the versions that a run's numbers hold for.

    Args:
        threads: asked for; None for all usable cores.

    Raises:
        UserError: see :func:`instruction_set`.
    """
    cores = usable_cores()
    return Fingerprint(
        cpu=_cpu_name(),
        isa=flags(),
        instruction_set=instruction_set(),
        cores=cores,
        threads=threads or cores,
        memory_gib=round(usable_memory() / 2**30, 1),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions={"python": platform.python_version(), **_versions()},
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # autotune itself, run from a source tree
            continue
    return found


def _cap(value: str) -> str:
    upper = value.strip().upper()
    return NATIVE if upper in ("", "ALL", "DEFAULT", "NATIVE") else upper


def _cpu_name() -> str:
    """Return the CPU's name with its family and model: virtual machines often tell only the maker's name."""
    name = _cpuinfo("model name", "Processor") or platform.processor() or platform.machine()
    family, model = _cpuinfo("cpu family"), _cpuinfo("model")
    return f"{name} (family {family}, model {model})" if family and model else name


@cache
def _cpuinfo(*keys: str) -> str:
    """Return the first value of one of the keys; the first processor stands for all."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in keys:
            return value.strip()
    return ""


def _affinity() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _core_of(cpu: int) -> str:
    """Return a text that the hyper-threads of one core share."""
    topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
    for name in ("core_cpus_list", "thread_siblings_list"):
        try:
            return (topology / name).read_text().strip()
        except OSError:
            continue
    return str(cpu)


def _cgroups(membership: Path, mount: Path, controller: str) -> list[Path]:
    """Return the folders of the process's cgroups (v2, and v1's of one controller) and of all above them."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    folders: list[Path] = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        for root in (mount / name for name in ([controllers, controller] if controllers else [""])):
            folder = root / path.lstrip("/")
            while folder != root and root in folder.parents:
                folders.append(folder)
                folder = folder.parent
            folders.append(root)
    return folders


def _quota_v2(folder: Path) -> float | None:
    words = _words(folder / "cpu.max")
    if len(words) != 2 or words[0] == "max":
        return None
    return int(words[0]) / int(words[1])


def _quota_v1(folder: Path) -> float | None:
    quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
    if not quota or not period or int(quota[0]) <= 0:
        return None
    return int(quota[0]) / int(period[0])


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
