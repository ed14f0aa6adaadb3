"""Says more where an exception of the lambda comes of a service that is disabled."""

from __future__ import annotations

import sys

from .settings import KINDS
from .state import luna


def hint_at(error: BaseException) -> None:
    """Adds a note to an AttributeError on None when the attribute is a call of a disabled service's client."""
    if not isinstance(error, AttributeError) or error.obj is not None or getattr(error, "__notes__", None):
        return
    clients = sys.modules.get(f"{__package__.removesuffix('.private.luna')}.public.clients")
    if clients is None:  # the lambda has never asked for one
        return
    for kind in KINDS:
        if kind.field not in luna.services and hasattr(clients.CLASSES[kind.field], error.name):
            error.add_note(
                f"clients.{kind.field} is None when {kind.name} is disabled, as it is now: ask {kind.flag} first, or "
                f"set luna.{kind.setting}_ADDRESS.origin"
            )
