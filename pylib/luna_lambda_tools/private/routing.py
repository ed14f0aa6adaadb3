"""From the bytes of a request's target to the resource that answers it."""

from __future__ import annotations

from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

from .errors import METHOD_NOT_ALLOWED, NOT_FOUND, HostError

Resource = TypeVar("Resource")


class Router(Generic[Resource]):
    """Resources by path and method.

    A path is compared after percent-decoding, must then be UTF-8, and may end in one slash more.
    """

    def __init__(self) -> None:
        self._routes: dict[str, dict[str, Resource]] = {}

    def add(self, method: str, path: str, resource: Resource) -> None:
        """path: decoded, without a slash at its end."""
        self._routes.setdefault(path, {})[method] = resource

    def find(self, method: str, path: bytes) -> Resource:
        """Raises HostError: NOT_FOUND, or METHOD_NOT_ALLOWED with the header Allow."""
        if path.endswith(b"/"):
            path = path[:-1]
        try:
            methods = self._routes[unquote_to_bytes(path).decode()]
        except (KeyError, UnicodeDecodeError):
            raise HostError(NOT_FOUND) from None
        try:
            return methods[method]
        except KeyError:
            raise HostError(METHOD_NOT_ALLOWED, headers=(("Allow", ", ".join(methods)),)) from None
