"""The request that a handlers lambda's `main` gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, TypeVar, cast

from luna_lambda_tools.private import model_loading, request_data
from luna_lambda_tools.public.standalone import StandaloneLambdaRequest

if TYPE_CHECKING:
    from luna_lambda_tools.public.handlers.schemas import EventSourceSchema

_Model = TypeVar("_Model")


class HandlersLambdaRequest(StandaloneLambdaRequest):
    """A request of luna-handlers: a StandaloneLambdaRequest whose body is one of its models.

    Source: LUNA manual, page "Handlers lambda", `luna_lambda_tools.public.handlers.handlers_request`.
    """

    __slots__ = ()

    @property
    def data(self) -> EventSourceSchema:
        """The body as `EventSourceSchema`, validated when it is first read and kept.

        Answers 400 as `getRequestData` does.
        """
        return cast("EventSourceSchema", self._keep("data", self._load_data))

    def _load_data(self) -> Any:
        # Imported here: pydantic is not for lambdas that do without.
        from luna_lambda_tools.public.handlers.schemas import EventSourceSchema

        return self.getRequestData(EventSourceSchema)

    def getRequestData(self, pydanticModel: type[_Model]) -> _Model:
        """The body as a model of your own, anew at each call.

        The body is JSON (`application/json`, and when there is no Content-Type) or msgpack (`application/msgpack`,
        `application/x-msgpack`), in which images are bytes.

        Answers 400: 12022 with path and message when the model refuses the data, 12002 or 12027 for bad JSON, 12031 for
        bad msgpack, 12030 when there is no msgpack, 12023 for other types.
        """
        return cast(_Model, model_loading.load_json(request_data.decode(self.headers, self.body), pydanticModel))

    @property
    def handlerId(self) -> Optional[str]:
        """The header Luna-Handler-Id: which handler has sent the request; None without it."""
        value: Optional[str] = self.headers.get("luna-handler-id")
        return value
