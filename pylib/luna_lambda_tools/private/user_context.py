"""The life of a lambda's UserCtx: made, started once, shut down once."""

from __future__ import annotations

from typing import Any, Awaitable, Callable

from . import inspection
from .failures import named, place_of, summary_of, traceback_of
from .start_failure import StartFailure

Hook = Callable[[], Awaitable[Any]]


class UserContext:
    """One instance of UserCtx with its two hooks; all of them may be missing."""

    def __init__(self, user_context: type | None, root: str) -> None:
        """Makes the instance. Raises StartFailure."""
        self._root = root
        self.instance: Any = None
        self._on_start: Hook | None = None
        self._on_shutdown: Hook | None = None
        if user_context is None:
            return
        if not callable(user_context):
            raise StartFailure(
                f'lambda_main.py: UserCtx is {named(user_context)}; it must be a class: write "class UserCtx"'
            )
        try:
            self.instance = user_context()
        except BaseException as error:
            raise StartFailure(f"{self._where(error, '__init__')}: {summary_of(error)}", traceback_of(error)) from None
        self._on_start = self._hook("onStart")
        self._on_shutdown = self._hook("onShutdown")

    async def start(self) -> None:
        """Awaits onStart. Raises StartFailure of stage "onStart"."""
        if self._on_start is None:
            return
        try:
            await self._on_start()
        except BaseException as error:
            text = f"{self._where(error, 'onStart')}: {summary_of(error)}"
            raise StartFailure(text, traceback_of(error), stage="onStart") from None

    async def shut_down(self) -> None:
        """Awaits onShutdown, the first time only; what it raises comes out."""
        hook, self._on_shutdown = self._on_shutdown, None
        if hook is not None:
            await hook()

    def _hook(self, name: str) -> Hook | None:
        try:
            hook = getattr(self.instance, name, None)
        except BaseException as error:  # it can be a property
            raise StartFailure(f"{self._where(error, name)}: {summary_of(error)}", traceback_of(error)) from None
        if hook is None:
            return None
        inspection.require_coroutine_function(hook, f"UserCtx.{name}", self._root)
        if not inspection.accepts(hook, 0):
            place = inspection.place_of_definition(hook, self._root)
            raise StartFailure(f"{place}: UserCtx.{name} must take no parameters but self")
        return hook  # type: ignore[no-any-return]

    def _where(self, error: BaseException, name: str) -> str:
        place = place_of(error, self._root)
        return f"{place[0]} in {place[1]}" if place else f"lambda_main.py in UserCtx.{name}"
