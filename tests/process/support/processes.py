"""Processes as /proc shows them, and the orphans that a test must not leave behind."""

import ctypes
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass

PR_SET_CHILD_SUBREAPER = 36
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def become_subreaper() -> None:
    """Makes orphans of our descendants children of ours, so that none can be lost."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


@dataclass(frozen=True)
class Stat:
    pid: int
    parent: int
    state: str
    cpu_seconds: float


def stat(pid: int) -> Stat | None:
    """What /proc says about a process; None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    # The name in parentheses may hold anything, blanks and parentheses included.
    fields = text[text.rindex(")") + 2 :].split()
    ticks = int(fields[11]) + int(fields[12])
    return Stat(pid, int(fields[1]), fields[0], ticks / CLOCK_TICKS)


def all_processes() -> list[Stat]:
    found = (stat(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return [one for one in found if one is not None]


def children(pid: int) -> list[Stat]:
    return [one for one in all_processes() if one.parent == pid]


def descendants(pid: int) -> list[Stat]:
    by_parent: dict[int, list[Stat]] = {}
    for one in all_processes():
        by_parent.setdefault(one.parent, []).append(one)
    found, todo = [], [pid]
    while todo:
        for child in by_parent.get(todo.pop(), []):
            found.append(child)
            todo.append(child.pid)
    return found


def exists(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be reaped."""
    found = stat(pid)
    return found is not None and found.state != "Z"


def program(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return os.path.basename(file.read().split(b"\0")[0].decode("utf-8", "replace"))
    except OSError:
        return ""


def is_template(pid: int) -> bool:
    """Whether it is the process from which workers are forked."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"template" in file.read().split(b"\0")[1:3]
    except OSError:
        return False


def descriptors(pid: int) -> dict[int, str]:
    """The open descriptors of a process and what each leads to."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            pass  # It was the one that listed the folder, or has been closed since.
    return found


def resident_bytes(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def resident_file_bytes(pid: int) -> int:
    """What of that is in files as well, as programs are."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[2]) * os.sysconf("SC_PAGE_SIZE")


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def end_orphans(known: Iterable[int]) -> list[int]:
    """Ends and reaps every child of this process that is not `known`; gives those that were alive."""
    alive = []
    for child in children(os.getpid()):
        if child.pid in known:
            continue
        if child.state != "Z":
            alive.append(child.pid)
        try:
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
    return alive
