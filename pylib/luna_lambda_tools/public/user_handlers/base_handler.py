"""The class that additional routes are written with.

Source: LUNA manual, section "Additional routes".
"""

from __future__ import annotations

from inspect import isawaitable
from types import CoroutineType
from typing import Any, Callable, ClassVar, Final, Mapping, NoReturn, Optional, TypeVar

from luna_lambda_tools.private import json_result, model_loading
from luna_lambda_tools.private.account import account_of
from luna_lambda_tools.private.errors import BAD_QUERY, METHOD_NOT_ALLOWED, USER_EXCEPTION, HostError
from luna_lambda_tools.private.failures import answer_to
from luna_lambda_tools.public.standalone import StandaloneLambdaRequest
from luna_lambda_tools.public.user_handlers.response import Body, Chunks, Headers, HTTPResponse, StreamResponse

_Model = TypeVar("_Model")

HTTP_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "HEAD", "OPTIONS", "DELETE")
_JSON: Final = "application/json"
_LINK: Final = "https://docs.visionlabs.ai/info/luna/troubleshooting/errors-description/code-{}"


class LambdaUserHandler:
    """One additional route: derive from it, set `route`, write the methods, put the class into `ROUTES_TO_ADD`.

    Each request gets an instance of its own. The methods (`get`, `post`, `put`, `patch`, `head`, `options`, `delete`)
    are asynchronous, get the path's parameters under their names and return what `sendResponse` returns::

        class ParameterHandler(LambdaUserHandler):
            route: str = r"/parameters/<parameter:[a-z]+>"

            async def get(self, parameter):
                return self.sendResponse(200, json={"parameter": parameter})

    Attributes:
        route: the path, in Sanic's format.
        decorators: functions that wrap the whole of the route, the last one outermost: each takes and returns an
            asynchronous function of (request, **parameters).
        request: the request, as `main` gets it; the path's parameters are in `request.match_info`, too.

    Source: LUNA manual, section "Additional routes".
    """

    route: ClassVar[str]
    decorators: ClassVar[list[Callable[..., Any]]] = []

    def __init__(self, request: StandaloneLambdaRequest) -> None:
        self.request = request

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.request.method} {self.request.path}>"

    @property
    def app(self) -> Any:
        """Raises AttributeError: lambdapool runs lambdas without a Sanic application."""
        return self.request.app

    @property
    def config(self) -> Any:
        """The same as `request.config`."""
        return self.request.config

    # --- responses --------------------------------------------------------------------------------------------------

    def sendResponse(
        self,
        statusCode: int = 200,
        json: Any = None,
        body: Optional[Body] = None,
        headers: Optional[Headers] = None,
    ) -> HTTPResponse:
        """A response; return it from the method.

        statusCode: from 200 to 599. json: what is sent as JSON, with the content type `application/json` unless
        `headers` has another. body: str or bytes, sent as it is; its content type is the one that `headers` gives.
        headers: a dict, or pairs; numbers are written as text.

        Raises ValueError when json and body are given both, and for a status or header that cannot be sent.
        """
        if json is not None and body is not None:
            raise ValueError("'json' and 'body' parameters can`t be specified at once")
        if json is None:
            return HTTPResponse(body, statusCode, headers)
        return HTTPResponse(json_result.encode(json), statusCode, headers, _JSON)

    def success(
        self,
        statusCode: int = 200,
        outputJson: Any = None,
        body: Optional[Body] = None,
        contentType: Optional[str] = None,
        extraHeaders: Optional[Headers] = None,
        json: Any = None,
        headers: Optional[Headers] = None,
    ) -> HTTPResponse:
        """The same as `sendResponse`, with the names of other LUNA services as well.

        outputJson and json, extraHeaders and headers mean the same. contentType: of the body, or instead of JSON's.
        """
        if outputJson is not None and json is not None:
            raise ValueError("'outputJson' and 'json' mean the same; give one of them")
        response = self.sendResponse(
            statusCode,
            json=outputJson if json is None else json,
            body=body,
            headers=extraHeaders if headers is None else headers,
        )
        if contentType is not None:
            response.content_type = contentType
        return response

    def error(self, statusCode: int, error: Any, headers: Optional[Headers] = None) -> HTTPResponse:
        """A response with LUNA's error body: `error_code`, `desc`, `detail`, `link`.

        error: a text, the `detail`; an exception, of which UserException gives its errorText; an object of LUNA's with
        `asDict()`; or the body itself, a dict.
        """
        as_dict = getattr(error, "asDict", None)
        if callable(as_dict):
            content = as_dict()
        elif isinstance(error, Mapping):
            content = dict(error)
        else:
            detail = answer_to(error)[2] if isinstance(error, BaseException) else str(error)
            content = _error_body(USER_EXCEPTION.code, USER_EXCEPTION.desc, detail)
        return self.sendResponse(statusCode, json=content, headers=headers)

    def stream(
        self,
        source: Optional[Chunks] = None,
        statusCode: int = 200,
        contentType: Optional[str] = None,
        headers: Optional[Headers] = None,
    ) -> StreamResponse:
        """A response that is sent while it is made; `StreamResponse` shows the three ways to use it.

        source: what gives the pieces of the body, a generator for instance, asynchronous or not; without it they are
        sent by `send`. The others as in `sendResponse`.

        An exception before the first piece is answered as always; after it the connection is cut, so that the client
        sees that the body is not whole.
        """
        exchange = self.request._exchange
        if exchange is None:
            raise RuntimeError("this request did not come from a client of the host; nothing can be streamed")
        return StreamResponse(exchange.stream, source, statusCode, headers, contentType)

    # --- what the request asks for ----------------------------------------------------------------------------------

    def getQueryParam(
        self,
        name: str,
        validator: Optional[Callable[[str], Any]] = None,
        require: bool = False,
        default: Any = None,
    ) -> Any:
        """The first value of a query argument; `default` when there is none.

        validator: turns the text into the value, for example `int`; an exception of its own, or a class of exceptions
        derived from ValueError, TypeError and the like, means that the text is bad. require: whether it must be there.

        Answers 400 (12012) for a bad value, and for one that is missing though required.
        """
        values = self.request.get_args(keep_blank_values=True).getlist(name)
        if not values:
            if require:
                raise _bad_query(name)
            return default
        if validator is None:
            return values[0]
        try:
            return validator(values[0])
        except (ValueError, TypeError, LookupError, ArithmeticError, AssertionError) as error:
            raise _bad_query(name) from error

    def getPagination(
        self, defaultPage: int = 1, defaultPageSize: int = 10, maxPageSize: int = 100
    ) -> tuple[int, int]:
        """(page, page size), of the query arguments `page`, from 1, and `page_size`, from 1 to maxPageSize.

        Answers 400 (12012) for other values.
        """
        page = self.getQueryParam("page", _number_up_to(None), default=defaultPage)
        page_size = self.getQueryParam("page_size", _number_up_to(maxPageSize), default=defaultPageSize)
        return page, page_size

    def getAccountIdFromHeader(self, required: bool = True) -> Optional[str]:
        """The header Luna-Account-Id, a UUID in lower case; None when it is missing and not required.

        Answers 400 (12031) when it is no such UUID, and when it is missing though required.
        """
        return account_of(self.request, required)

    def loadDataFromJson(self, data: Any, model: type[_Model]) -> _Model:
        """Loads data, for example `self.request.json`, into a pydantic model.

        Answers 400 (12022) that names the first place at fault.
        """
        loaded: _Model = model_loading.load_json(data, model)
        return loaded

    def loadDataFromQuery(self, model: type[_Model]) -> _Model:
        """Loads the query arguments into a pydantic model.

        A field of a list type gets all values of its name, others the one; more than one for them are a list as well.
        Answers 400 (12012) that names the first argument at fault.
        """
        loaded: _Model = model_loading.load_query(self.request.get_args(keep_blank_values=True), model)
        return loaded

    def validateJson(self, data: Any, validator: Any) -> Any:
        """Checks data, and gives it back; of a pydantic model the instance.

        validator: a pydantic model; an object with `iter_errors`, as those of jsonschema; or a function that raises
        ValueError or TypeError. Answers 400 (12022).
        """
        if hasattr(validator, "model_validate") or hasattr(validator, "parse_obj"):
            return model_loading.load_json(data, validator)
        iter_errors = getattr(validator, "iter_errors", None)
        if callable(iter_errors):
            fault = next(iter(iter_errors(data)), None)
            if fault is not None:
                raise model_loading.invalid_json(tuple(fault.absolute_path), fault.message)
            return data
        if not callable(validator):
            raise TypeError(f"validator is a {type(validator).__name__}; it must be a model or a function")
        try:
            validator(data)
        except (ValueError, TypeError) as error:
            raise model_loading.invalid_json((), str(error)) from error
        return data

    def addDataForMonitoring(
        self, tags: Optional[Mapping[str, Any]] = None, fields: Optional[Mapping[str, Any]] = None
    ) -> None:
        """Adds to `request.dataForMonitoring`. The host writes it to the log, level debug, with the request's end."""
        self.request.dataForMonitoring.tags.update(tags or {})
        self.request.dataForMonitoring.fields.update(fields or {})

    # --- dispatching ------------------------------------------------------------------------------------------------

    @classmethod
    def getAllowedMethods(cls) -> list[str]:
        """The HTTP methods that the class itself has, in upper case, in the order in which they are written."""
        return [name.upper() for name in vars(cls) if name.upper() in HTTP_METHODS and name.islower()]

    def setMethodNotAllowed(self) -> HTTPResponse:
        """The response for a method that the route does not have (405, 12021), with the header Allow."""
        content = _error_body(METHOD_NOT_ALLOWED.code, METHOD_NOT_ALLOWED.desc, METHOD_NOT_ALLOWED.detail)
        allow = ", ".join(self.getAllowedMethods())
        return self.sendResponse(METHOD_NOT_ALLOWED.status, json=content, headers={"Allow": allow})

    async def dispatchRequest(self, request: StandaloneLambdaRequest, *args: Any, **kwargs: Any) -> Any:
        """Calls the method for the request, with the path's parameters only. Override it to do things around it."""
        method = request.method.upper()
        name = method.lower()
        has_it = method in HTTP_METHODS and name in type(self).__dict__
        if not has_it and method not in self.getAllowedMethods():
            return self.setMethodNotAllowed()
        result = getattr(self, name)(*args, **kwargs)
        if type(result) is CoroutineType:
            return await result
        return await result if isawaitable(result) and not isinstance(result, StreamResponse) else result

    async def dispatch_request(self, request: StandaloneLambdaRequest, *args: Any, **kwargs: Any) -> Any:
        """Sanic's name of `dispatchRequest`."""
        return await self.dispatchRequest(request, *args, **kwargs)

    @classmethod
    def as_view(cls, *class_args: Any, **class_kwargs: Any) -> Callable[..., Any]:
        """An asynchronous function of (request, **parameters) that answers by an instance of the class.

        The class's `decorators` are around it.
        """

        # A step less for each request, unless the class has a dispatch_request of its own.
        dispatch: Any = cls.dispatch_request
        if dispatch is LambdaUserHandler.dispatch_request:
            dispatch = cls.dispatchRequest

        async def view(request: StandaloneLambdaRequest, *args: Any, **kwargs: Any) -> Any:
            return await dispatch(cls(request, *class_args, **class_kwargs), request, *args, **kwargs)

        view.__doc__ = cls.__doc__
        view.__module__ = cls.__module__
        view.__name__ = view.__qualname__ = cls.__name__
        wrapped: Callable[..., Any] = view
        for decorator in cls.decorators:
            wrapped = decorator(wrapped)
        return wrapped

    @classmethod
    def attach(cls, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises RuntimeError: the host adds the routes."""
        raise RuntimeError(f"lambdapool adds the routes of a lambda itself; put {cls.__name__} into ROUTES_TO_ADD")


def _bad_query(name: str) -> HostError:
    return HostError(BAD_QUERY, BAD_QUERY.detail.format(name))


def _error_body(code: int, desc: str, detail: str) -> dict[str, Any]:
    return {"error_code": code, "desc": desc, "detail": detail, "link": _LINK.format(code)}


def _number_up_to(largest: Optional[int]) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or len(text) > 18:
            raise ValueError(text)
        value = int(text)
        if value < 1 or (largest is not None and value > largest):
            raise ValueError(text)
        return value

    return number
