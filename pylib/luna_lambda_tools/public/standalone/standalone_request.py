"""The request that a standalone lambda's `main` gets. It behaves as Sanic's request does, on which LUNA builds."""

from __future__ import annotations

import copy
import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Callable, Final, Iterable, NamedTuple, NoReturn, Optional, Protocol, TypeVar

from luna_lambda_tools.private import monitoring
from luna_lambda_tools.private.account import account_of
from luna_lambda_tools.private.cookies import CookieParameters, parse_cookies
from luna_lambda_tools.private.forms import Form, parse_form
from luna_lambda_tools.private.http_headers import (
    Credentials,
    Header,
    parse_accept,
    parse_credentials,
    parse_parameters,
)
from luna_lambda_tools.private.luna.access import LunaAccess, make_clients
from luna_lambda_tools.private.query import MAX_FIELDS, RequestParameters, grouped, parse_pairs

if TYPE_CHECKING:  # loaded when the first client is asked for
    from luna_lambda_tools.public.clients import Clients

_T = TypeVar("_T")
_Request = TypeVar("_Request", bound="StandaloneLambdaRequest")
_UNSET: Final[Any] = object()
_HTTP_PORT = 80

# What Sanic's request has and this one cannot have, and what to do instead.
_ABSENT = {
    "app": "lambdapool runs lambdas without a Sanic application; keep what requests share in UserCtx",
    "transport": "the supervisor holds the connection, a lambda has no access to it",
    "conn_info": "the supervisor holds the connection; the client's address is request.ip",
    "protocol": "the supervisor holds the connection; the HTTP version is request.version",
    "stream": "the body has been received completely: use request.body",
    "respond": "return the answer from main instead",
    "route": "lambdapool runs lambdas without Sanic's router; the route as it is written is request.uri_template",
    "url_for": "lambdapool runs lambdas without a Sanic application and its named routes",
}


class _Absent:
    """An attribute that only says why it is not there.

    Not `__getattr__`: a class with it looks every attribute up the slow way, also those that are there.
    """

    __slots__ = ("_name", "_reason")

    def __init__(self, name: str) -> None:
        self._name = name
        self._reason = _ABSENT[name]

    def __get__(self, request: Optional[object], owner: type) -> NoReturn:
        raise AttributeError(f"request.{self._name}: {self._reason}", name=self._name, obj=request)

    def __set__(self, request: object, value: object) -> NoReturn:
        raise AttributeError(f"'{type(request).__name__}' object has no attribute '{self._name}'")


class _Context(Protocol):
    """What a request needs of the host."""

    userCtx: Any
    config: Any

    def loggerFor(self, requestId: str) -> Any:
        """A logger whose lines carry the request's id."""


class _Exchange(Protocol):
    """What the host knows of the route that a request has taken."""

    name: str
    route: str
    arguments: dict[str, Any]
    stream: Any


class MonitoringData(NamedTuple):
    """What handlers add to the monitoring of a request."""

    tags: dict[str, Any]
    fields: dict[str, Any]


class StandaloneLambdaRequest(LunaAccess):
    """One HTTP request. Everything that has to be parsed is parsed on first use and kept.

    Only `ctx` takes attributes of your own. Texts that were not UTF-8 hold surrogate escapes.
    Source: LUNA manual, section "General description", and page "Standalone lambda".
    """

    __slots__ = {
        "__weakref__": "",
        "method": "str: the HTTP method as sent, for example `POST`.",
        "body": "bytes: the body; empty when there is none.",
        "requestId": "str: the Luna-Request-Id of this request; log lines and the answer carry it.",
        "ip": "str: the address of the client's end of the connection, without a port; a proxy's, if there is one.",
        "startRequestTime": "float: when the worker took the request, in seconds since 1970.",
        "_context": "",
        "_exchange": "",
        "_raw_path": "",
        "_raw_query": "",
        "_raw_headers": "",
        "_http_minor": "",
        "_headers": "",
        "_json": "",
        "_kept": "",
    }

    method: str
    body: bytes
    requestId: str
    ip: str
    startRequestTime: float

    def __init__(
        self,
        context: _Context,
        request_id: str,
        method: str,
        path: bytes,
        query: bytes,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        peer: str,
        http_minor: int,
    ) -> None:
        self.method = method
        self.body = body
        self.requestId = request_id
        self.ip = peer
        self.startRequestTime = time.time()
        self._context = context
        self._exchange: Optional[_Exchange] = None
        self._raw_path = path
        self._raw_query = query
        self._raw_headers = headers
        self._http_minor = http_minor
        self._headers: Optional[Header] = None
        self._json: Any = _UNSET
        self._kept: Optional[dict[Any, Any]] = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.method} {self.path}>"

    app = _Absent("app")
    transport = _Absent("transport")
    conn_info = _Absent("conn_info")
    protocol = _Absent("protocol")
    stream = _Absent("stream")
    respond = _Absent("respond")
    route = _Absent("route")
    url_for = _Absent("url_for")

    def __copy__(self: _Request) -> _Request:
        made = object.__new__(type(self))
        for name in _STATE:
            setattr(made, name, getattr(self, name))
        if self._kept is not None:
            made._kept = self._kept.copy()
        return made

    def __deepcopy__(self: _Request, memo: dict[int, Any]) -> _Request:
        """A request whose headers, JSON, form, `ctx` and the like are copies, too.

        What belongs to the lambda as a whole is the same as before: userCtx, config, logger and clients.
        """
        made = copy.copy(self)
        memo[id(self)] = made
        made._headers = copy.deepcopy(self._headers, memo)
        if self._json is not _UNSET:
            made._json = copy.deepcopy(self._json, memo)
        if self._kept is not None:
            made._kept = {
                key: value if key in _SHARED else copy.deepcopy(value, memo) for key, value in self._kept.items()
            }
        return made

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled, it belongs to this worker; give other processes what they need "
            "of it: request.body, request.json, request.headers, ..."
        )

    def _keep(self, key: object, make: Callable[[], _T]) -> _T:
        """What `make` made for `key` when it was first asked for."""
        kept = self._kept
        if kept is None:
            kept = self._kept = {}
        if key not in kept:
            kept[key] = make()
        value: _T = kept[key]
        return value

    # --- the lambda's own -------------------------------------------------------------------------------------------

    @property
    def userCtx(self) -> Any:
        """The instance of the lambda's `UserCtx`. Source: LUNA manual, section "User context"."""
        return self._context.userCtx

    @property
    def logger(self) -> Any:
        """A logger whose lines carry this request's id. Source: LUNA manual, section "Logger"."""
        return self._keep("logger", self._make_logger)

    def _make_logger(self) -> Any:
        return self._context.loggerFor(self.requestId)

    @property
    def clients(self) -> Clients:
        """The clients of LUNA's services (`luna_lambda_tools.public.clients.Clients`), None for disabled ones.

        They carry this request's id and its Luna-Account-Id; raises an answer 400 when that is no UUID. Source: LUNA
        manual, section "Luna services clients".
        """
        made: Clients = self._keep("clients", self._make_clients)
        return made

    def _make_clients(self) -> Any:
        return make_clients(self.requestId, account_of(self, required=False))

    @property
    def config(self) -> Any:
        """The host's settings; `config.userConfig` is the lambda's. Source: LUNA manual, page "Lambda config"."""
        return self._context.config

    @property
    def ctx(self) -> SimpleNamespace:
        """A place for attributes of your own during this request."""
        return self._keep("ctx", SimpleNamespace)

    @property
    def id(self) -> str:
        """The same as `requestId` (Sanic's own name for a request's id)."""
        return self.requestId

    @property
    def match_info(self) -> dict[str, Any]:
        """The parameters of the route by name; empty for `/main`."""
        return self._keep("match_info", dict) if self._exchange is None else self._exchange.arguments

    @property
    def uri_template(self) -> str:
        """The route as it is written, for example `/parameters/<parameter:int>`."""
        return "/main" if self._exchange is None else self._exchange.route

    @property
    def endpoint(self) -> str:
        """Who answers: `main`, or the handler's class and method, for example `ParameterHandler.post`."""
        return "main" if self._exchange is None else self._exchange.name

    @property
    def name(self) -> str:
        """The same as `endpoint`."""
        return self.endpoint

    @property
    def dataForMonitoring(self) -> MonitoringData:
        """What `addDataForMonitoring` of handlers has collected: `tags` and `fields`, two dicts."""
        return self._keep("dataForMonitoring", lambda: MonitoringData({}, {}))

    def sendToMonitoring(self, points: Any) -> None:
        """Sends points, instances of classes derived from `CustomMonitoringPoint`: a list, or one.

        Returns at once; where monitoring is not configured they go nowhere. A point that cannot be written is left out,
        with a warning in the log. Source: LUNA manual, page "Lambda monitoring".
        """
        monitoring.send(points)

    # --- body -------------------------------------------------------------------------------------------------------

    @property
    def json(self) -> Any:
        """The body parsed as JSON, once; None when the body is empty.

        Raises BadRequestJson, an answer 400, when it is not JSON in UTF-8. Source: LUNA manual, section
        "Lambda exceptions".
        """
        value = self._json
        if value is not _UNSET:
            return value
        return self.load_json()

    def load_json(self, loads: Optional[Callable[[bytes], Any]] = None) -> Any:
        """Parses the body again, by `loads` (bytes -> value) when given; `json` is the result from then on.

        Raises BadRequestJson when the body is not empty and cannot be parsed.
        """
        try:
            self._json = value = loads(self.body) if loads else _load_utf8(self.body)
            return value
        except Exception as error:
            if self.body:
                from luna_lambda_tools.private.errors import BadRequestJson

                raise BadRequestJson() from error
            self._json = None
        return None

    def getBody(self) -> bytes:
        """The body, as `body`. Source: LUNA manual, page "Standalone lambda"."""
        return self.body

    async def receive_body(self) -> None:
        """Does nothing: a lambda gets a request when its body is complete."""

    @property
    def form(self) -> RequestParameters:
        """The fields of an urlencoded or multipart form, lists of str by name; empty when the body is no form.

        What is malformed is left out, with a warning in the log.
        """
        return self._form().fields

    @property
    def files(self) -> RequestParameters:
        """The files of a multipart form, lists of File(type, body, name) by name."""
        return self._form().files

    def get_form(self, keep_blank_values: bool = False) -> RequestParameters:
        """Parses the form again; `form` and `files` are the result from then on.

        keep_blank_values: whether an urlencoded field without a value is "" rather than left out.
        """
        form = parse_form(self.content_type, self.body, keep_blank_values)
        if form.problem:
            self.logger.warning(form.problem)
        if self._kept is None:
            self._kept = {}
        self._kept["form"] = form
        return form.fields

    def _form(self) -> Form:
        if self._kept is None or "form" not in self._kept:
            self.get_form()
        assert self._kept is not None
        form: Form = self._kept["form"]
        return form

    # --- headers ----------------------------------------------------------------------------------------------------

    @property
    def headers(self) -> Header:
        """The headers: a multidict without regard to case. `get` gives the first value, `getall` the list of them."""
        headers = self._headers
        if headers is None:
            headers = self._headers = Header([(name.lower(), value) for name, value in self._raw_headers])
        return headers

    @property
    def content_type(self) -> str:
        """The Content-Type header; `application/octet-stream` when there is none."""
        return self.headers.get("content-type", "application/octet-stream")

    @property
    def charset(self) -> str:
        """The charset that the Content-Type header names; `utf-8` when it names none."""
        return parse_parameters(self.content_type)[1].get("charset", "utf-8")

    @property
    def cookies(self) -> CookieParameters:
        """The cookies: `get` gives the first value of a name as str, `getlist` all of them."""
        return self._keep("cookies", lambda: parse_cookies("; ".join(self.headers.getall("cookie", []))))

    def get_cookies(self) -> CookieParameters:
        """The cookies, as `cookies`."""
        return self.cookies

    @property
    def accept(self) -> list[str]:
        """The media types of the Accept header, the most wanted first; ["*/*"] when there is none."""
        return self._keep("accept", lambda: parse_accept(",".join(self.headers.getall("accept", []))))

    @property
    def token(self) -> Optional[str]:
        """The Authorization header without its `Bearer` or `Token`; all of it for other schemes; None without one."""
        return parse_credentials(self.headers.get("authorization"), ("Bearer", "Token")).token

    @property
    def credentials(self) -> Optional[Credentials]:
        """The Authorization header as (auth_type, token), with `username` and `password` for Basic; else None."""
        value = self.headers.get("authorization")
        return None if value is None else parse_credentials(value, ("Basic", "Bearer", "Token"))

    # --- target -----------------------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The path as sent, percent-encoding kept, without the query."""
        return self._raw_path.decode("utf-8", "surrogateescape")

    @property
    def query_string(self) -> str:
        """The query as sent, without its "?"."""
        return self._raw_query.decode("utf-8", "surrogateescape")

    @property
    def url(self) -> str:
        """scheme://host/path?query."""
        query = f"?{self.query_string}" if self._raw_query else ""
        return f"{self.scheme}://{self.host}{self.path}{query}"

    @property
    def args(self) -> RequestParameters:
        """The query arguments, lists of str by name; `get` gives the first.

        Source: LUNA manual, page "Standalone lambda".
        """
        return self.get_args()

    @property
    def query_args(self) -> list[tuple[str, str]]:
        """The query arguments as (name, value), in order."""
        return self.get_query_args()

    def get_args(
        self,
        keep_blank_values: bool = True,
        strict_parsing: bool = False,
        encoding: str = "utf-8",
        errors: str = "replace",
    ) -> RequestParameters:
        """The query arguments by name. Blank values are kept by default, unlike in Sanic. At most 10000 fields.

        Raises ValueError for a field without "=" when strict_parsing is True.
        """
        key = ("args", keep_blank_values, strict_parsing, encoding, errors)
        return self._keep(
            key, lambda: grouped(self.get_query_args(keep_blank_values, strict_parsing, encoding, errors))
        )

    def get_query_args(
        self,
        keep_blank_values: bool = True,
        strict_parsing: bool = False,
        encoding: str = "utf-8",
        errors: str = "replace",
    ) -> list[tuple[str, str]]:
        """The query arguments as (name, value), in order; parameters as of `get_args`."""

        def parse() -> list[tuple[str, str]]:
            pairs, too_many = parse_pairs(self._raw_query, keep_blank_values, strict_parsing, encoding, errors)
            if too_many:
                self.logger.warning(f"the query has more than {MAX_FIELDS} fields, the others are left out")
            return pairs

        return self._keep(("pairs", keep_blank_values, strict_parsing, encoding, errors), parse)

    # --- connection -------------------------------------------------------------------------------------------------

    @property
    def version(self) -> str:
        """The HTTP version, `1.1` or `1.0`."""
        return f"1.{self._http_minor}"

    @property
    def scheme(self) -> str:
        """Always `http`: as in Sanic without configured proxies, Forwarded and X-Forwarded-* are not believed."""
        return "http"

    @property
    def host(self) -> str:
        """The Host header, with its port when it has one; "" when there is none."""
        return self.headers.get("host", "")

    @property
    def server_name(self) -> str:
        """The host of the Host header, without the port."""
        return self._server()[0]

    @property
    def server_port(self) -> int:
        """The port of the Host header; 80 when it has none."""
        return self._server()[1]

    def _server(self) -> tuple[str, int]:
        host = self.host.strip()
        name, colon, port = host.rpartition(":")
        if colon and port.isascii() and port.isdigit() and len(port) <= 5:
            return name.lower(), int(port)
        return (name if colon and not port else host).lower(), _HTTP_PORT

    @property
    def server_path(self) -> str:
        """The same as `path`."""
        return self.path

    @property
    def remote_addr(self) -> str:
        """Always "": as in Sanic without configured proxies, the client that a proxy names is not believed."""
        return ""

    @property
    def client_ip(self) -> str:
        """The client's address: `remote_addr`, else `ip`; hence `ip`."""
        return self.remote_addr or self.ip

    @property
    def port(self) -> Optional[int]:
        """The client's port: None, the supervisor does not tell it."""
        return None

    @property
    def is_safe(self) -> bool:
        """Whether the method changes nothing (RFC 9110, 9.2.1)."""
        return self.method in ("GET", "HEAD", "OPTIONS", "TRACE")

    @property
    def is_idempotent(self) -> bool:
        """Whether the method may be repeated (RFC 9110, 9.2.2)."""
        return self.is_safe or self.method in ("PUT", "DELETE")

    @property
    def is_cacheable(self) -> bool:
        """Whether answers to the method may be cached."""
        return self.method in ("GET", "HEAD")


_STATE = tuple(name for name in StandaloneLambdaRequest.__slots__ if name != "__weakref__")
_SHARED = ("logger", "clients")  # by deep copies

_scan = json.JSONDecoder().scan_once
_SPACE = " \t\n\r"


def _load_utf8(body: bytes) -> Any:
    # Not json.loads(body): it also takes UTF-16 and UTF-32, and bytes that are no Unicode.
    text = body.decode()
    try:
        value, end = _scan(text, 0)  # What json.loads does between its searches for white space.
        if end == len(text) or not text[end:].strip(_SPACE):
            return value
    except StopIteration:
        pass
    # White space or a byte order mark comes first, or it says what is wrong and where.
    return json.loads(text.removeprefix("\ufeff"))
