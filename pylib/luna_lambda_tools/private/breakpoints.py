"""``breakpoint()`` in a lambda: pdb needs a terminal, and a worker has none."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

_TEXT = (
    "breakpoint() opens pdb, which needs a terminal, and a worker has none. Start lambdapool with PYTHONBREAKPOINT "
    "set to a debugger that is reached over the network, such as remote_pdb.set_trace from the lambda's virtual "
    "environment, and with --set pool.request_timeout=1h, or take the line out"
)


def install() -> None:
    sys.breakpointhook = _break


# Python's own hook does not look at the variable in a worker, whose interpreter takes no PYTHON... variables.
def _break(*arguments: Any, **keywords: Any) -> Any:
    hook = os.environ.get("PYTHONBREAKPOINT", "")
    if hook == "0":
        return None
    if not hook:
        raise RuntimeError(_TEXT)
    module, _, function = hook.rpartition(".")
    return getattr(importlib.import_module(module or "builtins"), function)(*arguments, **keywords)
