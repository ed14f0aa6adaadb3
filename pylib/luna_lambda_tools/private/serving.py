"""Puts together what a loaded lambda serves: its model, and the table of its routes and the host's."""

from __future__ import annotations

import inspect
import os
import time
from typing import Any, Awaitable, Mapping

from ..public.handlers import HandlersLambdaRequest
from . import health, log
from .context import Context
from .lambda_model import LambdaModel
from .loading import Lambda, Main
from .reply import Reply
from .routing_handlers import models_of, works_of
from .routing_table import RoutingTable, immediate
from .routing_template import RouteError
from .running import JSON_HEADERS, Work
from .start_failure import StartFailure
from .task_main import TaskCalls

_STATIC_FOLDER = "static"


def prepare(root: str) -> None:
    """Imports, before the lambda's folder comes onto sys.path, what only some lambdas need."""
    if os.path.isdir(os.path.join(root, _STATIC_FOLDER)):
        from .default_routes import static  # noqa: F401


def main_work(loaded: Lambda) -> Work | None:
    """POST /main; None for a tasks lambda, where the supervisor answers it."""
    if loaded.main is None:
        return None
    call = _as_handlers(loaded.main) if loaded.lambda_type == "handlers" else loaded.main
    return Work("", "/main", call)


def _as_handlers(main: Main) -> Main:
    """main, with requests of its own class; those of additional routes stay what they are."""

    def call(request: Any) -> Awaitable[Any]:
        request.__class__ = HandlersLambdaRequest  # the same object: the host keeps hold of it for its monitoring
        return main(request)

    return call


def task_calls(loaded: Lambda, context: Context, lambda_id: str) -> TaskCalls | None:
    """What the supervisor asks of a tasks lambda; None for others."""
    return TaskCalls(loaded.task, context, lambda_id) if loaded.task is not None else None


def build(
    loaded: Lambda, main: Work | None, values: dict[str, Any], root: str, start: Mapping[str, Any]
) -> tuple[RoutingTable, LambdaModel]:
    """values: of lambda_config.yml. start: what the worker was started with. Raises StartFailure."""
    found = models_of(loaded.module, root)
    folder = os.path.join(root, _STATIC_FOLDER)
    model = LambdaModel(
        name=str(start["lambda_name"]),
        id=str(start["lambda_id"]),
        version=str(start["lambda_version"]),
        root=root,
        type=loaded.lambda_type,
        main=loaded.main,
        main_doc=inspect.cleandoc(getattr(loaded.task or loaded.main, "__doc__", None) or ""),
        routes=[route for route, _ in found],
        config=values,
        static_folder=folder if os.path.isdir(folder) else None,
        task=loaded.task,
    )
    table = RoutingTable()
    _add_host_routes(table, main, model)
    for route, template in found:
        for warning in template.warnings:
            log.logger.warning("the route %s of %s: %s", route.template, route.handler.__name__, warning)
        try:
            table.add(template, works_of(route, root))
        except RouteError as error:
            raise StartFailure(f"lambda_main.py: the route of {route.handler.__name__}: {error}") from None
    return table, model


def _add_host_routes(table: RoutingTable, main: Work | None, model: LambdaModel) -> None:
    if main is not None:
        table.add_host("/main", {"POST": main})
    healthcheck = Work("lambdapool", "/healthcheck", _check_services, _check_health)
    table.add_host("/healthcheck", {"GET": healthcheck, "HEAD": healthcheck})
    table.add_host("/docs/spec", {"GET": immediate("/docs/spec", lambda request: _docs_reply(request, model))})
    table.add_host("/config", {"GET": immediate("/config", lambda request: _config_reply(request, model))})
    if model.static_folder is not None:
        files = Work("static", "/static/<path>", _files_of(model.static_folder))
        table.add_static({"GET": files, "HEAD": files})


# Few workers are ever asked for these two. What their files import besides the host's own modules is loaded by then.
def _docs_reply(request: Any, model: LambdaModel) -> Reply:
    from .default_routes import docs

    return docs.docs_reply(request, model)


def _config_reply(request: Any, model: LambdaModel) -> Reply:
    from .default_routes import config

    return config.config_reply(request, model)


def _check_health(request: Any) -> Reply | None:
    """None when services have to be asked. Raises HostError."""
    began = time.perf_counter()
    if health.includes_services(request._raw_query):
        return None
    return Reply(200, list(JSON_HEADERS), health.body_of(began))


async def _check_services(request: Any) -> Reply:
    status, body = await health.check_services(request.requestId)
    return Reply(status, list(JSON_HEADERS), body)


def _files_of(folder: str) -> Any:
    from .default_routes import static

    async def answer(request: Any) -> Reply | None:
        reply = static.static_reply(folder, request.method, request._raw_path, request._raw_headers)
        if isinstance(reply, Reply):
            return reply
        stream = request._exchange.stream
        stream.open(reply.status, tuple(reply.headers))
        if request.method == "HEAD":
            reply.close()
        else:
            async for data in reply.chunks():
                await stream.send(data)
        stream.end()
        return None

    return answer
