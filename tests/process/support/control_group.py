"""A control group of the test's own, of either version; see cgroups(7)."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path("/sys/fs/cgroup")


@contextlib.contextmanager
def memory_group(limit: int) -> Iterator[list[str]]:
    """Gives the words to put before a command for it to run in a group with so many bytes.

    Skips the test where no such group can be made: without root, and in most containers.
    """
    unified = (ROOT / "cgroup.controllers").exists()
    group = (ROOT if unified else ROOT / "memory") / f"lambdapool-test-{os.getpid()}"
    limit_file = group / ("memory.max" if unified else "memory.limit_in_bytes")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"needs to make a control group: {error}")
    try:
        try:
            limit_file.write_text(str(limit))
        except OSError as error:
            pytest.skip(f"needs a control group with memory: {error}")
        # Swap would only make it slow.
        for name, value in (("memory.swap.max", "0"), ("memory.memsw.limit_in_bytes", str(limit))):
            with contextlib.suppress(OSError):
                (group / name).write_text(value)
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()
