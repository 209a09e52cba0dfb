"""Which process a run belongs to, so that the next one can tell whether it is still alive."""

import os
import platform
from pathlib import Path

_UNKNOWN = "-"
_START_FIELD = 19  # of /proc/PID/stat after the name in brackets: field 22, proc(5)


def this_process() -> str:
    """Return host, boot, space of process ids, id and start time of this process, parted by blanks."""
    return f"{_place()} {os.getpid()} {_started(os.getpid())}"


def has_died(process: str) -> bool:
    """Return whether `process`, as `this_process` wrote it, is surely gone; False if nobody here can know."""
    host, *rest = process.split(" ")
    if host != platform.node() or len(rest) != 4 or _UNKNOWN in rest:
        return False
    boot, space, number, started = rest
    if [host, boot] != _place().split(" ")[:2]:
        return True  # the machine has been started anew since
    return [host, boot, space] == _place().split(" ") and _started(int(number)) != started


def _place() -> str:
    boot = _read(Path("/proc/sys/kernel/random/boot_id"))
    try:
        space = str(Path("/proc/self/ns/pid").readlink()).replace(" ", "")
    except OSError:
        space = _UNKNOWN
    return f"{platform.node()} {boot} {space}"


def _started(number: int) -> str:
    """Return when process `number` began, in ticks since boot; "gone" if there is none or it is but to be reaped."""
    if not Path("/proc/self/stat").exists():
        return _UNKNOWN
    fields = _read(Path(f"/proc/{number}/stat")).rpartition(")")[2].split()
    return fields[_START_FIELD] if len(fields) > _START_FIELD and fields[0] not in "ZX" else "gone"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return _UNKNOWN
