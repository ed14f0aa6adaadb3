"""Routes that would hide each other: a handler's and the host's, or two handlers'."""

from __future__ import annotations

from ..routing_template import Template
from .handler_rules import HandlerRoute
from .report import Report

DEFAULT_ROUTES = ("/main", "/healthcheck", "/docs/spec", "/config", "/metrics", "/lambda_metrics")
STATIC_ROUTE = "static"
TASKS_ROUTE = "tasks"

# Templates are equal here when they match the same paths, whatever their parameters are called.
_Key = tuple[tuple[str, ...], ...]


def check_conflicts(file: str, routes: list[HandlerRoute], report: Report, is_tasks_lambda: bool = False) -> None:
    taken: dict[tuple[_Key, str], HandlerRoute] = {}
    for route in routes:
        if route.template is None:
            continue
        name = f"{route.handler}.route"
        if route.template.text in DEFAULT_ROUTES:
            report.add(file, route.line, f"{name} is the default route {route.template.text}; choose another")
        elif route.template.parts[0] == STATIC_ROUTE:
            text = f"{name} is below /static, where the lambda's static files are; choose another"
            report.add(file, route.line, text)
        elif is_tasks_lambda and route.template.parts[0] == TASKS_ROUTE:
            text = f"{name} is one of /tasks, where a tasks lambda's stored tasks are; choose another"
            report.add(file, route.line, text)
        for method in route.methods:
            other = taken.setdefault((_key(route.template), method), route)
            if other is not route:
                first = f"{other.handler} (line {other.line})"
                text = f"{name}: {first} already answers {method} there; choose another route"
                report.add(file, route.line, text)


def _key(template: Template) -> _Key:
    return tuple(
        ("text", part) if isinstance(part, str) else ("parameter", part.given, part.file_type)
        for part in template.parts
    )
