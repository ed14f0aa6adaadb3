"""Waiting with a bound, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

# How often a condition is looked at; short, so that a test ends soon after what it waits for.
INTERVAL = 0.01


def eventually(condition: Callable[[], Value], within: float = 5.0, what: str = "") -> Value:
    """Looks until `condition` gives something true and returns that; fails after `within` seconds.

    An AssertionError of the condition counts as "not yet" and is shown when time is over.
    """
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except AssertionError as not_yet:
            last = not_yet
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within} s: {what or condition}; last: {last!r}")
        time.sleep(INTERVAL)


def remains(condition: Callable[[], object], during: float, what: str = "") -> None:
    """Fails as soon as `condition` is not true within the next `during` seconds."""
    deadline = time.monotonic() + during
    while time.monotonic() < deadline:
        assert condition(), f"no longer: {what or condition}"
        time.sleep(INTERVAL)
