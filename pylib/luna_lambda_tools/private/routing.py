"""From a request's path to the route that answers it, as Sanic's router decides.

A path without its trailing slashes is tried when it is not found with them. Static routes come first. Then the
parameters are tried segment by segment: static text before parameters, parameters by the order of their types. Then
come the routes with parameters that can match a slash. The first route that fits the path is the one, whatever the
method. Paths are compared as sent: nothing is percent-decoded, also not in parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Iterable, Mapping, TypeVar

from .routing_template import Parameter, RouteError, Template
from .routing_types import TYPES

Resource = TypeVar("Resource")

#: Regular expressions of a lambda are not tried on longer paths: their time can grow with a power of the length.
LONGEST_FOR_PATTERNS = 4096
#: Slashes at the end are taken away one by one; of more than these, all others at once.
_SINGLE_SLASHES = 32


@dataclass(slots=True, eq=False)
class Route(Generic[Resource]):
    """A template and what it offers by method."""

    template: Template
    methods: dict[str, Resource]
    has_pattern: bool
    #: Segment and name of each parameter, when the path needs no look but at its segments.
    by_segment: tuple[tuple[int, str], ...] | None = field(init=False)

    def __post_init__(self) -> None:
        parts = [(index, part) for index, part in enumerate(self.template.parts) if not isinstance(part, str)]
        simple = self.template.pattern is None and not any(part.label == "ext" for _, part in parts)
        self.by_segment = tuple((index, part.name) for index, part in parts) if simple else None


@dataclass(slots=True)
class Found(Generic[Resource]):
    """A route and the values of its parameters."""

    route: Route[Resource]
    arguments: dict[str, Any]


class Router(Generic[Resource]):
    """The routes of one lambda. ``add`` all of them, then ``find``."""

    def __init__(self) -> None:
        self._by_template: dict[tuple[str | Parameter, ...], Route[Resource]] = {}
        self._static: dict[str, Route[Resource]] = {}
        self._root: _Node[Resource] = _Node(None)
        self._spanning: list[Route[Resource]] = []
        self._ordered = True

    def add(self, template: Template, methods: Mapping[str, Resource]) -> Route[Resource]:
        """Raises RouteError when the template has one of the methods already."""
        route = self._by_template.get(template.parts)
        if route is None:
            has_pattern = any(parameter.has_pattern for parameter in template.parameters)
            route = self._by_template[template.parts] = Route(template, {}, has_pattern)
            self._ordered = False
            if template.is_static:
                self._static[template.text] = route
        for method in methods:
            if method in route.methods:
                raise RouteError(f"{method} {template.text} is there twice; give one of them another route")
        route.methods.update(methods)
        return route

    @property
    def has_parameters(self) -> bool:
        """Whether any route has parameters."""
        return len(self._by_template) > len(self._static)

    def find_static(self, path: str) -> Route[Resource] | None:
        """The route without parameters that is this path, trailing slashes and all."""
        return self._static.get(path)

    def find(self, path: str) -> Found[Resource] | None:
        """The route for a path as it was sent; None when there is none."""
        if not self._ordered:
            self._order()
        try:
            while path.startswith("/"):
                found = self._find_exactly(path)
                if found is not None:
                    return found
                if not path.endswith("/"):
                    return None
                bare = path.rstrip("/")
                path = bare + "/" * min(len(path) - len(bare) - 1, _SINGLE_SLASHES)
        except _Refused:
            pass
        return None

    def _find_exactly(self, path: str) -> Found[Resource] | None:
        static = self._static.get(path)
        if static is not None:
            return Found(static, {})
        if path.count("/") <= self._root.depth:
            found = self._root.find(path[1:].split("/"), 0, [], path)
            if found is not None:
                return found
        for route in self._spanning:
            found = _match(route, path, None)
            if found is not None:
                return found
        return None

    def _order(self) -> None:
        """Builds the tree; the longest templates first, then in the order in which they were added."""
        dynamic = [route for route in self._by_template.values() if not route.template.is_static]
        dynamic.sort(key=lambda route: route.template.pattern is not None)
        dynamic.sort(key=lambda route: -len(route.template.parts))
        self._spanning = [route for route in dynamic if route.template.spans_segments]
        self._root = _Node(None)
        for route in dynamic:
            if not route.template.spans_segments:
                self._root.add(route)
        self._root.order()
        self._ordered = True


class _Node(Generic[Resource]):
    """One segment of the routes that share what stands before it."""

    __slots__ = ("part", "depth", "routes", "_text", "_convert", "_by_key", "_children")

    def __init__(self, part: str | Parameter | None) -> None:
        self.part = part
        self._text = part if isinstance(part, str) else None
        typed = isinstance(part, Parameter) and not part.has_pattern
        self._convert = TYPES[part.label].convert if typed else None
        self.depth = 0  # of the deepest node below, counted from here
        self.routes: list[Route[Resource]] = []
        self._by_key: dict[str, _Node[Resource]] = {}
        self._children: list[_Node[Resource]] = []

    def add(self, route: Route[Resource]) -> None:
        node = self
        for part in route.template.parts:
            key = part if isinstance(part, str) else f"__dynamic__:{part.label}"
            node = node._by_key.setdefault(key, _Node(part))
        node.routes.append(route)

    def order(self) -> None:
        for child in self._by_key.values():
            child.order()
        self.depth = max((child.depth + 1 for child in self._by_key.values()), default=0)
        self._children = [child for _, child in sorted(self._by_key.items(), key=lambda item: item[1]._rank(item[0]))]
        self.routes.sort(key=lambda route: [_rank_at_the_end(part) for part in route.template.parts])

    def _rank(self, key: str) -> tuple[bool, bool, int, int, int, bool, str]:
        """Where it stands among its siblings: Sanic's order, to the last tie."""
        priority = 0
        if isinstance(self.part, Parameter) and not self.part.has_pattern:
            priority = TYPES[self.part.label].priority
        return (
            bool(self.routes),
            isinstance(self.part, Parameter),
            -priority,
            -self.depth,
            len(self._by_key),
            not any(route.template.pattern for route in self.routes),
            key,
        )

    def find(self, segments: list[str], at: int, values: list[Any], path: str) -> Found[Resource] | None:
        """Looks below this node for the segments from ``at`` on. values: those before, converted."""
        if at == len(segments):
            for route in self.routes:
                found = _match(route, path, values)
                if found is not None:
                    return found
            return None
        segment = segments[at]
        for child in self._children:
            value: Any = segment
            if child._text is not None:
                if child._text != segment:
                    continue
            elif child._convert is not None:
                try:
                    value = child._convert(segment)
                except ValueError:
                    continue
            values.append(value)
            found = child.find(segments, at + 1, values, path)
            values.pop()
            if found is not None:
                return found
        return None


class _Refused(Exception):
    """The route that fits refuses the path, and no other is asked: a file's extension that it does not allow."""


def _match(route: Route[Resource], path: str, values: list[Any] | None) -> Found[Resource] | None:
    """Whether the route's pattern, if it has one, matches. values: the segments, converted; None to convert here."""
    if values is not None and route.by_segment is not None:
        return Found(route, {name: values[index] for index, name in route.by_segment})
    template = route.template
    groups: dict[str, Any] = {}
    if template.pattern is not None:
        if route.has_pattern and len(path) > LONGEST_FOR_PATTERNS:
            return None
        match = template.pattern.fullmatch(path)
        if match is None:
            return None
        groups = match.groupdict()
    arguments: dict[str, Any] = {}
    for index, part in enumerate(template.parts):
        if isinstance(part, str):
            continue
        if part.has_pattern:
            arguments[part.name] = groups[part.name]
        else:
            try:
                value = values[index] if values is not None else TYPES[part.label].convert(groups[part.name])
            except ValueError:
                return None
            if part.label == "ext":
                _add_file(arguments, part, value)
            else:
                arguments[part.name] = value
    return Found(route, arguments)


def _add_file(arguments: dict[str, Any], parameter: Parameter, words: tuple[str, ...]) -> None:
    length = parameter.extensions[0].count(".") + 1 if parameter.extensions else 1
    name: Any = ".".join(words[:-length])
    extension = ".".join(words[-length:])
    if parameter.extensions and extension not in parameter.extensions:
        raise _Refused
    if parameter.file_type:
        try:
            name = TYPES[parameter.file_type].convert(name)
        except ValueError:
            raise _Refused from None
    arguments[parameter.name] = name
    arguments["ext"] = extension


def _rank_at_the_end(part: str | Parameter) -> int:
    """Routes that end at one node differ in the names of their parameters, and in what ``ext`` is given."""
    if isinstance(part, str):
        return 0
    return -TYPES[part.given].priority if part.given in TYPES else -len(TYPES)


def allowed(methods: Iterable[str]) -> str:
    """The value of the header Allow."""
    return ", ".join(methods)
