"""Which LUNA services there are and where, from LUNA's own settings: what is read here is whole and checked."""

from __future__ import annotations

import re
from typing import Any, Mapping, NamedTuple

_ORIGIN = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?")
_MAX_SECONDS = 86400.0
USAGE = "ADDITIONAL_SERVICES_USAGE"
CONFIGURATOR = "LUNA_CONFIGURATOR"


class SettingsError(ValueError):
    """A setting is not what it must be; the text names it."""


class Kind(NamedTuple):
    """One service as LUNA names it.

    Attributes:
        field: the attribute of ``request.clients``.
        flag: the attribute of requests that says whether it is enabled.
        setting: what its settings' names begin with.
        name: for people.
        switch: its name in ADDITIONAL_SERVICES_USAGE; "" when that does not switch it.
        api_version: unless the settings say another.
        bucket: of the image store, unless the settings say another.
    """

    field: str
    flag: str
    setting: str
    name: str
    switch: str
    api_version: int
    bucket: str = ""


_STORE = "luna-image-store"
KINDS = (
    Kind("faces", "facesEnabled", "LUNA_FACES", "luna-faces", "", 3),
    Kind("events", "eventsEnabled", "LUNA_EVENTS", "luna-events", "luna_events", 2),
    Kind("matcher", "matcherEnabled", "LUNA_PYTHON_MATCHER", "luna-python-matcher", "luna_python_matcher", 1),
    Kind(
        "faceSamplesStore",
        "faceSampleStoreEnabled",
        "LUNA_IMAGE_STORE_FACES_SAMPLES",
        f"{_STORE} (faces samples)",
        "luna_image_store",
        1,
        "visionlabs-samples",
    ),
    Kind(
        "bodySamplesStore",
        "bodySampleStoreEnabled",
        "LUNA_IMAGE_STORE_BODIES_SAMPLES",
        f"{_STORE} (bodies samples)",
        "luna_image_store",
        1,
        "visionlabs-bodies-samples",
    ),
    Kind(
        "imageOriginStore",
        "imageOriginStoreEnabled",
        "LUNA_IMAGE_STORE_IMAGES",
        f"{_STORE} (images)",
        "luna_image_store",
        1,
        "visionlabs-image-origin",
    ),
    Kind(
        "objectOriginStore",
        "objectStoreEnabled",
        "LUNA_IMAGE_STORE_OBJECTS",
        f"{_STORE} (objects)",
        "luna_image_store",
        1,
        "visionlabs-objects",
    ),
    Kind("sdk", "remoteSDKEnabled", "LUNA_REMOTE_SDK", "luna-remote-sdk", "", 1),
    Kind("sender", "senderEnabled", "LUNA_SENDER", "luna-sender", "luna_sender", 1),
    Kind("handlers", "handlersEnabled", "LUNA_HANDLERS", "luna-handlers", "luna_handlers", 2),
    Kind("videoAgent", "lvaEnabled", "LUNA_VIDEO_AGENT", "luna-video-agent", "luna_video_agent", 1),
)


class Timeouts(NamedTuple):
    """In seconds.

    Attributes:
        connect: until there is a connection, the wait for a free one of the pool included.
        request: for the whole call, all attempts included.
        sock_connect: for the making of a connection.
        sock_read: between two pieces of an answer.
    """

    connect: float = 10.0
    request: float = 30.0
    sock_connect: float = 10.0
    sock_read: float = 30.0


class Service(NamedTuple):
    """An enabled service."""

    name: str
    origin: str
    api_version: int
    timeouts: Timeouts = Timeouts()
    bucket: str = ""

    @property
    def address(self) -> str:
        """What every path of its API is below."""
        return f"{self.origin}/{self.api_version}"


def relevant(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of settings by name those that are about services."""
    names = {USAGE, *(f"{kind.setting}{part}" for kind in KINDS for part in ("_ADDRESS", "_TIMEOUTS"))}
    return {name: value for name, value in settings.items() if name in names}


def services_of(settings: Mapping[str, Any]) -> dict[str, Service]:
    """The enabled services by field of ``Clients``. Raises SettingsError."""
    usage = _group(settings, USAGE)
    found = {}
    for kind in KINDS:
        address = _group(settings, f"{kind.setting}_ADDRESS")
        timeouts = _timeouts(settings, f"{kind.setting}_TIMEOUTS")
        if address.get("origin") in (None, "") or not _is_used(usage, kind.switch):
            continue
        where = f"{kind.setting}_ADDRESS"
        bucket = address.get("bucket") or kind.bucket
        if not isinstance(bucket, str):
            raise SettingsError(f"{where}.bucket must be text, not {bucket!r}")
        found[kind.field] = Service(
            kind.name,
            origin_of(address["origin"], f"{where}.origin"),
            version_of(address.get("api_version", kind.api_version), f"{where}.api_version"),
            timeouts,
            bucket,
        )
    return found


def used_without_origin(settings: Mapping[str, Any], services: Mapping[str, Service]) -> list[str]:
    """What ADDITIONAL_SERVICES_USAGE names as used although it has no address."""
    usage = _group(settings, USAGE)
    named = {switch for switch, value in usage.items() if value == 1}
    missing = {kind.switch for kind in KINDS if kind.field not in services}
    present = {kind.switch for kind in KINDS if kind.field in services}
    return sorted((named & missing) - present)


def origin_of(value: Any, where: str) -> str:
    """scheme://host[:port]. Raises SettingsError."""
    if not isinstance(value, str) or not _ORIGIN.fullmatch(value):
        raise SettingsError(f"{where} must be a URL such as http://host:8080, without a path, not {value!r}")
    return value.rstrip("/")


def version_of(value: Any, where: str) -> int:
    """A version of an API. Raises SettingsError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingsError(f"{where} must be a whole number from 1, not {value!r}")
    return value


def _group(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    group = settings.get(name, {})
    if not isinstance(group, Mapping):
        raise SettingsError(f"{name} must be an object, not {group!r}")
    return group


def _timeouts(settings: Mapping[str, Any], name: str) -> Timeouts:
    given = {}
    for member, value in _group(settings, name).items():
        if member not in Timeouts._fields:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= _MAX_SECONDS:
            raise SettingsError(f"{name}.{member} must be a number of seconds above 0, not {value!r}")
        given[member] = float(value)
    return Timeouts(**given)


def _is_used(usage: Mapping[str, Any], switch: str) -> bool:
    if not switch:
        return True
    value = usage.get(switch, 1)
    if value not in (0, 1):
        raise SettingsError(f"{USAGE}.{switch} must be 0 or 1, not {value!r}")
    return bool(value)
