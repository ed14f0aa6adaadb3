"""The handlers in ROUTES_TO_ADD: what is known of them, and how each of their methods answers a request."""

from __future__ import annotations

import inspect
from types import CoroutineType
from typing import Any, Callable

from ..public.user_handlers.base_handler import LambdaUserHandler
from ..public.user_handlers.response import HTTPResponse, StreamResponse, head_of
from . import inspection, log
from .errors import BAD_RESULT, HostError
from .failures import named
from .lambda_model import RouteModel
from .reply import Reply
from .response_rules import checked_body, checked_status
from .routing_template import RouteError, Template, parse
from .running import Work
from .start_failure import StartFailure
from .streaming import Exchange

LIST_NAME = "ROUTES_TO_ADD"
_OWN_ARGUMENTS = ("self", "request")


class BadHandlerResult(HostError):
    """A handler's method returned what is no response; the detail names both."""

    def __init__(self, detail: str) -> None:
        super().__init__(BAD_RESULT, detail)


def models_of(module: Any, root: str) -> list[tuple[RouteModel, Template]]:
    """The additional routes of lambda_main, in the order of the list. Raises StartFailure."""
    listed = getattr(module, LIST_NAME, None) or []
    if not isinstance(listed, (list, tuple)):
        raise StartFailure(f"lambda_main.py: {LIST_NAME} is a {type(listed).__name__}; it must be a list of handlers")
    return [_model_of(handler, root) for handler in dict.fromkeys(listed)]


def works_of(model: RouteModel, root: str) -> dict[str, Work]:
    """How the route answers, by method. Raises StartFailure when a decorator of the handler fails."""
    handler: Any = model.handler
    try:
        view = handler.as_view()
    except Exception as error:
        place = inspection.place_of_class(handler, root)
        raise StartFailure(f"{place}: {handler.__name__}.decorators: {type(error).__name__}: {error}") from None
    return {
        method: Work(name, model.template, _answering(view, name))
        for method, name in ((each, f"{handler.__name__}.{each.lower()}") for each in model.methods)
    }


def _model_of(handler: Any, root: str) -> tuple[RouteModel, Template]:
    if not inspect.isclass(handler) or not issubclass(handler, LambdaUserHandler):
        shown = handler.__name__ if inspect.isclass(handler) else f"a {type(handler).__name__}"
        raise StartFailure(
            f"lambda_main.py: {LIST_NAME} holds {shown}, which is not derived from LambdaUserHandler; derive it, or "
            "take it out of the list"
        )
    route = vars(handler).get("route")
    if route is None:
        raise StartFailure(f'{inspection.place_of_class(handler, root)}: {handler.__name__} has no route; write route = "/..." into its body')
    try:
        template = parse(route)
    except RouteError as error:
        raise StartFailure(f"{inspection.place_of_class(handler, root)}: the route of {handler.__name__}: {error}") from None
    for name in _OWN_ARGUMENTS:
        if name in template.argument_names:
            raise StartFailure(f"{inspection.place_of_class(handler, root)}: the route of {handler.__name__} has the parameter {name}; rename it")
    names = handler.getAllowedMethods()
    methods: dict[str, Callable[..., Any]] = {name: getattr(handler, name.lower()) for name in names}
    if not methods:
        raise StartFailure(f"{inspection.place_of_class(handler, root)}: {handler.__name__} has no method; write one, for example: async def get(self)")
    parameters = [(parameter.name, parameter.given) for parameter in template.parameters]
    written = route if route.startswith("/") else f"/{route}"
    return RouteModel(written, handler, methods, parameters, inspect.cleandoc(handler.__doc__ or "")), template


def _answering(view: Callable[..., Any], name: str) -> Callable[[Any], Any]:
    async def answer(request: Any) -> Reply | None:
        exchange: Exchange = request._exchange
        try:
            result = view(request, **exchange.arguments)
            if type(result) is CoroutineType or inspect.isawaitable(result) and not isinstance(result, StreamResponse):
                result = await result
            stream = exchange.begun
            if isinstance(result, StreamResponse):
                await result._finish()
                return None
            if stream is not None:
                stream.end()
                if result is not None:
                    kind = _kind_of(result)
                    log.logger.warning("%s has streamed its response already; %s that it returned is left out", name, kind)
                return None
            return _reply_of(result, name)
        finally:
            if request._kept is not None:
                _log_monitoring(request)

    return answer


def _reply_of(result: Any, name: str) -> Reply:
    if not isinstance(result, HTTPResponse) and not _is_like_a_response(result):
        raise BadHandlerResult(f"{name} returned {_kind_of(result)}; it must return self.sendResponse(...)")
    try:
        return Reply(checked_status(result.status), head_of(result), checked_body(result.body))
    except (ValueError, TypeError) as error:
        raise BadHandlerResult(f"{name}: {error}") from None


def _is_like_a_response(result: Any) -> bool:
    return all(hasattr(result, name) for name in ("status", "headers", "body", "content_type"))


def _kind_of(result: object) -> str:
    return "None" if result is None else named(result)


def _log_monitoring(request: Any) -> None:
    data = request._kept.get("dataForMonitoring")
    if data is not None:
        log.logger.debug("monitoring: tags %s, fields %s", data.tags, data.fields)
