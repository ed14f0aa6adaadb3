"""The clients of LUNA's services: `request.clients` and `task.clients`.

Source: LUNA manual, section "Luna services clients". The client of a disabled service is None.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional

from luna_lambda_tools.private.luna.client import Connection
from luna_lambda_tools.private.luna.response import LunaApiException, LunaResponse
from luna_lambda_tools.private.luna.settings import Service

from .events import Events
from .faces import Faces
from .handlers import Handlers
from .lis import LIS
from .lpm import LPM
from .lrs import LRS
from .lva import LVA
from .sender import Sender

__all__ = [
    "LIS",
    "LPM",
    "LRS",
    "LVA",
    "Clients",
    "Events",
    "Faces",
    "Handlers",
    "LunaApiException",
    "LunaResponse",
    "Sender",
    "TasksClients",
]

CLASSES: Mapping[str, Any] = {
    "faces": Faces,
    "events": Events,
    "matcher": LPM,
    "faceSamplesStore": LIS,
    "bodySamplesStore": LIS,
    "imageOriginStore": LIS,
    "objectOriginStore": LIS,
    "sdk": LRS,
    "sender": Sender,
    "handlers": Handlers,
    "videoAgent": LVA,
}


class Clients:
    """The clients of one request. All of them carry its request id and its account.

    Attributes:
        faces: luna-faces.
        events: luna-events.
        matcher: luna-python-matcher.
        faceSamplesStore: luna-image-store, the bucket of face samples.
        bodySamplesStore: luna-image-store, the bucket of body samples.
        imageOriginStore: luna-image-store, the bucket of source images.
        objectOriginStore: luna-image-store, the bucket of objects.
        sdk: luna-remote-sdk.
        sender: luna-sender.
        handlers: luna-handlers.
        videoAgent: luna-video-agent.
    """

    def __init__(
        self,
        faces: Optional[Faces] = None,
        events: Optional[Events] = None,
        matcher: Optional[LPM] = None,
        faceSamplesStore: Optional[LIS] = None,
        bodySamplesStore: Optional[LIS] = None,
        imageOriginStore: Optional[LIS] = None,
        objectOriginStore: Optional[LIS] = None,
        sdk: Optional[LRS] = None,
        videoAgent: Optional[LVA] = None,
        sender: Optional[Sender] = None,
        handlers: Optional[Handlers] = None,
    ) -> None:
        # Typed as if they were there: LUNA's own lambdas ask the `...Enabled` properties, which no type checker knows.
        self.faces: Faces = faces  # type: ignore[assignment]
        self.events: Events = events  # type: ignore[assignment]
        self.matcher: LPM = matcher  # type: ignore[assignment]
        self.faceSamplesStore: LIS = faceSamplesStore  # type: ignore[assignment]
        self.bodySamplesStore: LIS = bodySamplesStore  # type: ignore[assignment]
        self.imageOriginStore: LIS = imageOriginStore  # type: ignore[assignment]
        self.objectOriginStore: LIS = objectOriginStore  # type: ignore[assignment]
        self.sdk: LRS = sdk  # type: ignore[assignment]
        self.videoAgent: LVA = videoAgent  # type: ignore[assignment]
        self.sender: Sender = sender  # type: ignore[assignment]
        self.handlers: Handlers = handlers  # type: ignore[assignment]


class TasksClients(Clients):
    """The clients of a task."""


def clients_of(services: Mapping[str, Service], requestId: str, accountId: Optional[str]) -> dict[str, Any]:
    """The clients of the enabled services, by field; for the host."""
    found: dict[str, Any] = {}
    for field, service in services.items():
        connection = Connection(service, requestId)
        made = CLASSES[field]
        if made is LIS:
            found[field] = LIS(connection, accountId, service.bucket)
        else:
            found[field] = made(connection, accountId)
    return found
