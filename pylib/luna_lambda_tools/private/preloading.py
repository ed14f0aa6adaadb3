"""Loads a lambda, either in the worker that will run it or in a template process from which workers are forked.

What a template has loaded, each of its workers finds loaded. Nothing may be there that a fork would break or share by
accident: threads, event loops, connections. They make the template unfit, and workers are started from scratch instead.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from typing import Any, Callable, Mapping, NamedTuple

from ..public.config import lambdaConfig
from . import configuration, loading, log, metrics_sink, serving, validation
from . import event_loop  # noqa: F401  its current_task is there before a lambda takes asyncio's by name
from .failures import summary_of
from .luna.state import luna
from .start_failure import StartFailure

# What descriptors lead to that must not be shared between processes.
_SHARED = ("socket:", "pipe:", "anon_inode:")


class Loaded(NamedTuple):
    """What `lambda_config.yml` holds, None without one, and the lambda."""

    config: dict[str, Any] | None
    lambda_: loading.Lambda


_loaded: tuple[str, Loaded] | None = None


def load(root: str) -> Loaded:
    """Checks, configures and imports the lambda in the folder. Raises StartFailure."""
    errors = validation.validate(root)
    if errors:
        raise StartFailure.of_lines(errors)
    config = configuration.read(root)
    lambdaConfig._fill(config)
    serving.prepare(root)
    return Loaded(config, loading.load(root))


def taken(root: str) -> Loaded | None:
    """What the template of this worker has loaded; None when there was none, or it did not load the lambda."""
    metrics_sink.keep_at_fork(False)
    return _loaded[1] if _loaded is not None and _loaded[0] == root else None


def preload(start: Mapping[str, Any], with_lambda: bool, say: Callable[[str, str, str], None]) -> str:
    """Loads what workers will need. Returns why no worker can be forked off this process, or "".

    start: as workers get it. say(level, request id, text): takes what the lambda logs.
    """
    global _loaded
    if start["event_loop"] != "asyncio":
        try:
            import uvloop  # noqa: F401
        except Exception:  # the worker says so
            pass
    if with_lambda:
        root = os.path.abspath(start["lambda_root"])
        log.install(say, start["log_level"])
        before = _descriptors()
        try:
            luna.configure(start.get("settings", "{}"), root)
            _loaded = root, load(root)
        except BaseException as error:
            text = error.text if isinstance(error, StartFailure) else summary_of(error)
            return f"the lambda cannot be imported: {text}"
        fault = _fault_of_import(before)
        if fault:
            return f"the import of the lambda {fault}, which no two processes can share"
        metrics_sink.keep_at_fork(True)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    fault = _threads()
    if fault:
        return fault
    gc.collect()
    gc.freeze()
    return ""


def _descriptors() -> dict[str, str]:
    """What the descriptors of this process lead to."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:  # the one that listed the folder
            pass
    return found


def _fault_of_import(before: Mapping[str, str]) -> str:
    for name, target in _descriptors().items():
        if before.get(name) != target and target.startswith(_SHARED):
            return f"has left a descriptor open ({target})"
    loop = getattr(getattr(asyncio.get_event_loop_policy(), "_local", None), "_loop", None)
    if loop is not None and not loop.is_closed():
        return "has made an event loop"
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return ""
    return "has started a process"


def _threads() -> str:
    """Names the threads beside this one; they would not be there in a forked worker."""
    names = [each.name for each in threading.enumerate() if each is not threading.current_thread()]
    unnamed = len(os.listdir("/proc/self/task")) - 1 - len(names)
    if unnamed > 0:
        names.append(f"{unnamed} of a library's own")
    return f"threads run after the import: {', '.join(names)}" if names else ""
