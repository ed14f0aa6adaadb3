"""Who answers a request: the lambda's routes and the host's, by path and method."""

from __future__ import annotations

from typing import Any, Callable, Mapping
from urllib.parse import unquote_to_bytes

from .errors import METHOD_NOT_ALLOWED, NOT_FOUND, HostError
from .routing import Route, Router, allowed
from .routing_template import RouteError, Template, parse
from .running import Work

STATIC_PREFIX = b"/static/"


class MethodNotAllowed(HostError):
    """The route is there, and has other methods."""

    def __init__(self, route: Route[Work]) -> None:
        super().__init__(METHOD_NOT_ALLOWED, headers=(("Allow", allowed(route.methods)),))
        self.route = next(iter(route.methods.values())).route


class RoutingTable:
    """All routes of a worker.

    The host's own are found also when they are sent percent-encoded; the lambda's are compared as Sanic does.
    """

    def __init__(self) -> None:
        self._exact: dict[bytes, Route[Work]] = {}
        self._host: dict[str, Route[Work]] = {}
        self._router: Router[Work] = Router()
        self._static: Route[Work] | None = None

    def add_host(self, path: str, works: Mapping[str, Work]) -> None:
        """A route of the host: a path without parameters."""
        route = Route(parse(path), dict(works), False)
        self._host[path] = self._exact[path.encode()] = route

    def add_static(self, works: Mapping[str, Work]) -> None:
        """The files below /static/."""
        self._static = Route(parse("/static/<path:path>"), dict(works), False)

    def add(self, template: Template, works: Mapping[str, Work]) -> None:
        """A route of the lambda. Raises RouteError when it is one of the host's, or there already."""
        if template.text in self._host:
            raise RouteError(f"{template.text} is a route of the host; choose another")
        route = self._router.add(template, works)
        if template.is_static:
            self._exact[template.text.encode()] = route

    def find_now(self, method: str, path: bytes) -> tuple[Work, dict[str, Any]] | None:
        """Who answers; None when patterns must be tried, which ``find`` does. Raises HostError."""
        route = self._exact.get(path)
        if route is not None:
            return _work(route, method), {}
        if self._static is not None and path.startswith(STATIC_PREFIX):
            return _work(self._static, method), {}
        return None if self._router.has_parameters else self.find(method, path)

    def find(self, method: str, path: bytes) -> tuple[Work, dict[str, Any]]:
        """Who answers what ``find_now`` does not know, and the values of the route's parameters. Raises HostError.

        Regular expressions of the lambda run here.
        """
        try:
            found = self._router.find(path.decode())
        except UnicodeDecodeError:
            raise HostError(NOT_FOUND) from None
        if found is not None:
            return _work(found.route, method), found.arguments
        try:
            route = self._host[unquote_to_bytes(path.rstrip(b"/")).decode()]
        except (KeyError, UnicodeDecodeError):
            raise HostError(NOT_FOUND) from None
        return _work(route, method), {}


def _work(route: Route[Work], method: str) -> Work:
    try:
        return route.methods[method]
    except KeyError:
        raise MethodNotAllowed(route) from None


def immediate(route: str, reply: Callable[[Any], Any]) -> Work:
    """A route of the host that is answered without running anything of the lambda. reply: (request) -> Reply."""

    async def call(request: Any) -> Any:
        return reply(request)

    return Work("lambdapool", route, call, reply)
