"""Imports a library when it is first needed, long after the lambda's folder has come onto sys.path."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType


def import_library(name: str, root: str) -> ModuleType:
    """The installed library, never a file of the lambda at ``root``. Raises ImportError.

    Nor does the lambda notice: what the import has brought under a name that the lambda has a file for is taken out of
    sys.modules again, so that the lambda's own ``import`` finds its own file.
    """
    prefix = os.path.join(root, "")
    own = {
        each: module
        for each, module in list(sys.modules.items())
        if each != "lambda_main" and str(getattr(module, "__file__", None) or "").startswith(prefix)
    }
    for each in own:
        del sys.modules[each]
    path, before = list(sys.path), set(sys.modules)
    sys.path[:] = [each for each in path if os.path.abspath(each) != root]
    try:
        return importlib.import_module(name)
    finally:
        sys.path[:] = path
        for each in set(sys.modules) - before:
            if _has(prefix, each.partition(".")[0]):
                del sys.modules[each]
        sys.modules.update(own)


def _has(prefix: str, name: str) -> bool:
    return os.path.isdir(prefix + name) or os.path.exists(f"{prefix}{name}.py")
