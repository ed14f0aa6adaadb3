"""How requests and tasks come to the clients of LUNA's services."""

from __future__ import annotations

from typing import Any

from .state import luna


class LunaAccess:
    """Properties that say which services are enabled: configured, and not switched off.

    Source: LUNA manual, section "Luna services clients".
    """

    __slots__ = ()

    @property
    def facesEnabled(self) -> bool:
        """Whether `clients.faces` is there."""
        return "faces" in luna.services

    @property
    def eventsEnabled(self) -> bool:
        """Whether `clients.events` is there."""
        return "events" in luna.services

    @property
    def senderEnabled(self) -> bool:
        """Whether `clients.sender` is there."""
        return "sender" in luna.services

    @property
    def handlersEnabled(self) -> bool:
        """Whether `clients.handlers` is there."""
        return "handlers" in luna.services

    @property
    def matcherEnabled(self) -> bool:
        """Whether `clients.matcher` is there."""
        return "matcher" in luna.services

    @property
    def lvaEnabled(self) -> bool:
        """Whether `clients.videoAgent` is there."""
        return "videoAgent" in luna.services

    @property
    def remoteSDKEnabled(self) -> bool:
        """Whether `clients.sdk` is there."""
        return "sdk" in luna.services

    @property
    def faceSampleStoreEnabled(self) -> bool:
        """Whether `clients.faceSamplesStore` is there."""
        return "faceSamplesStore" in luna.services

    @property
    def bodySampleStoreEnabled(self) -> bool:
        """Whether `clients.bodySamplesStore` is there."""
        return "bodySamplesStore" in luna.services

    @property
    def imageOriginStoreEnabled(self) -> bool:
        """Whether `clients.imageOriginStore` is there."""
        return "imageOriginStore" in luna.services

    @property
    def objectStoreEnabled(self) -> bool:
        """Whether `clients.objectOriginStore` is there."""
        return "objectOriginStore" in luna.services


def make_clients(request_id: str, account_id: str | None, kind: str = "Clients") -> Any:
    """An instance of ``Clients`` or ``TasksClients``; None in it for what is disabled."""
    from ...public import clients

    return getattr(clients, kind)(**clients.clients_of(luna.services, request_id, account_id or luna.account_id))
