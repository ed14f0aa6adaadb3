"""Lambdas of which documents are made, without a host."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from luna_lambda_tools.private import routing_template
from luna_lambda_tools.private.http_headers import Header
from luna_lambda_tools.private.lambda_model import LambdaModel, RouteModel

MANUAL = '''
from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest

UUID_REGEXP_STR = r"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"

PARAMETERS = []


class ParameterHandler(LambdaUserHandler):
    """Parameter handler"""

    route: str = f"/parameters/<parameter:{UUID_REGEXP_STR}>"

    async def post(self, parameter):
        PARAMETERS.append(parameter)
        return self.sendResponse(201, json={"response": parameter})

    async def head(self, parameter):
        if parameter not in PARAMETERS:
            return self.sendResponse(404, body="Parameter not found", headers={"Content-Type": "text/plain"})
        return self.sendResponse(204)


class ParametersHandler(LambdaUserHandler):
    """Parameters handler"""

    route: str = "/parameters"

    async def get(self):
        return self.sendResponse(200, body="; ".join(PARAMETERS), headers={"Content-Type": "text/plain"})


ROUTES_TO_ADD = [ParameterHandler, ParametersHandler]


async def main(request: StandaloneLambdaRequest) -> dict:
    """Main route"""
    return {"result": "main route response"}
'''


@pytest.fixture(autouse=True)
def no_lambda_stays():
    """For test files to import: a lambda_main that stayed would be the one of the next test."""
    yield
    sys.modules.pop("lambda_main", None)


@dataclass
class Request:
    """As much of a request as the default routes look at."""

    headers: Header
    config: Any = field(default=None)


def request(*accept: str, config: Any = None) -> Request:
    """With one Accept header for each text."""
    return Request(Header([("accept", each) for each in accept]), config)


def model_of(folder: Path, source: str, **more: Any) -> LambdaModel:
    """What the host knows of a lambda with this source; the folder is a new one for each test."""
    file = folder / "lambda_main.py"
    file.write_text(source)
    spec = importlib.util.spec_from_file_location("lambda_main", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["lambda_main"] = module
    spec.loader.exec_module(module)
    return LambdaModel(
        **{
            "name": "faces",
            "id": "11111111-2222-4333-8444-555555555555",
            "version": "3",
            "root": str(folder),
            "type": "standalone",
            "main": getattr(module, "main", None),
            "main_doc": _doc(getattr(module, "main", None)),
            "routes": [_route(each) for each in getattr(module, "ROUTES_TO_ADD", [])],
            **more,
        }
    )


def loaded() -> ModuleType:
    """The module of the last `model_of`."""
    return sys.modules["lambda_main"]


def _route(handler: Any) -> RouteModel:
    template = routing_template.parse(handler.route)
    methods = {name: getattr(handler, name.lower()) for name in handler.getAllowedMethods()}
    parameters = [(each.name, each.label) for each in template.parameters]
    return RouteModel(template.text, handler, methods, parameters, _doc(handler))


def _doc(thing: Any) -> str:
    return inspect.cleandoc(thing.__doc__) if thing is not None and thing.__doc__ else ""
