"""The client of luna-events."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from luna_lambda_tools.private.luna.calls import Call
from luna_lambda_tools.private.luna.client import LunaClient, segment

__all__ = ["Events"]


class Events(LunaClient):
    """Saves, reads, deletes and counts events. Filters are keyword arguments, such as `createTimeGte`, `pageSize`.

    Source: LUNA manual, page "Luna services clients description".
    """

    def saveEvents(
        self, events: Sequence[Any], waitEventsSaving: Optional[bool] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Saves events. waitEventsSaving: whether the service answers only when they are saved."""
        return self._send("POST", "/events", {"events": events}, waitEventsSaving, raiseError, kwargs)

    def getEvents(self, target: Optional[Sequence[str]] = None, raiseError: bool = True, **kwargs: Any) -> Call:
        """Events by filters. target: the fields to be given."""
        return self._query("GET", "/events", target, raiseError, kwargs)

    def getEvent(
        self, eventId: str, target: Optional[Sequence[str]] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """One event."""
        return self._query("GET", f"/events/{segment('eventId', eventId)}", target, raiseError, kwargs)

    def headEvent(self, eventId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Asks whether the event is there; a 404 raises unless raiseError is False."""
        return self._query("HEAD", f"/events/{segment('eventId', eventId)}", None, raiseError, kwargs)

    def deleteEvents(self, target: Optional[Sequence[str]] = None, raiseError: bool = True, **kwargs: Any) -> Call:
        """Deletes events by filters. target: what to be told of the deleted ones."""
        return self._query("DELETE", "/events", target, raiseError, kwargs)

    def getEventDescriptor(self, eventId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """The descriptor of an event, as bytes in `body`."""
        account = kwargs.pop("accountId", None)
        path = f"/events/{segment('eventId', eventId)}/descriptor"
        return self._call("GET", path, kwargs, raiseError, accountId=account, wants="bytes")

    def getEventsStats(self, query: Optional[Any] = None, raiseError: bool = True, **kwargs: Any) -> Call:
        """Statistics. query: targets, aggregators and filters, as luna-events has them."""
        return self._send("POST", "/events/stats", query or {}, None, raiseError, kwargs)

    def saveGeneralEvents(
        self, events: Sequence[Any], waitEventsSaving: Optional[bool] = None, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Saves general events."""
        return self._send("POST", "/general_events", {"events": events}, waitEventsSaving, raiseError, kwargs)

    def getGeneralEvents(self, raiseError: bool = True, **kwargs: Any) -> Call:
        """General events by filters."""
        return self._query("GET", "/general_events", None, raiseError, kwargs)

    def getGeneralEvent(self, eventId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """One general event."""
        return self._query("GET", f"/general_events/{segment('eventId', eventId)}", None, raiseError, kwargs)

    def checkGeneralEvent(self, eventId: str, raiseError: bool = True, **kwargs: Any) -> Call:
        """Asks whether the general event is there; a 404 raises unless raiseError is False."""
        return self._query("HEAD", f"/general_events/{segment('eventId', eventId)}", None, raiseError, kwargs)

    def deleteGeneralEvents(self, raiseError: bool = True, **kwargs: Any) -> Call:
        """Deletes general events by filters."""
        return self._query("DELETE", "/general_events", None, raiseError, kwargs)

    def getDeletedGeneralEvents(self, raiseError: bool = True, **kwargs: Any) -> Call:
        """General events that were deleted, by filters such as `deletionTimeGte`."""
        return self._query("GET", "/deleted_general_events", None, raiseError, kwargs)

    def getGeneralEventsStats(self, query: Optional[Any] = None, raiseError: bool = True, **kwargs: Any) -> Call:
        """Statistics of general events; query as in `getEventsStats`."""
        return self._send("POST", "/general_events/stats", query or {}, None, raiseError, kwargs)

    def _query(
        self, method: str, path: str, targets: Optional[Sequence[str]], raise_error: bool, filters: dict[str, Any]
    ) -> Call:
        account = filters.pop("accountId", None)
        return self._call(method, path, {"targets": targets, **filters}, raise_error, accountId=account)

    def _send(
        self, method: str, path: str, body: Any, wait: Optional[bool], raise_error: bool, more: dict[str, Any]
    ) -> Call:
        account = more.pop("accountId", None)
        return self._call(
            method, path, {"waitEventsSaving": wait, **more}, raise_error, json=body, accountId=account
        )
