"""Which of the media types on offer a client wants: RFC 9110, section 12.5.1."""

from __future__ import annotations

import re
from typing import Sequence

from ..errors import ErrorKind, HostError

UNSUPPORTED_MEDIA_TYPE = ErrorKind(
    415, "unsupported_media_type", 12024, "Bad/incomplete input data", "Unsupported media type"
)
_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


def choose(values: Sequence[str], offers: Sequence[str]) -> str:
    """The offer that the Accept headers want most, the first of equals; the first when there is no such header.

    A range that names a type outright counts for that type, however much a wildcard would give it. Raises HostError
    (415) when nothing on offer is wanted.
    """
    ranges = _parse(",".join(values))
    if not ranges:
        return offers[0]
    best = max(offers, key=lambda offer: _wanted(offer, ranges))
    if _wanted(best, ranges) <= 0:
        raise HostError(
            UNSUPPORTED_MEDIA_TYPE, f"{UNSUPPORTED_MEDIA_TYPE.detail}; Accept may be one of: {', '.join(offers)}"
        )
    return best


def _parse(value: str) -> dict[str, float]:
    """Quality by range; of a range given twice the higher one."""
    ranges: dict[str, float] = {}
    for part in value.split(","):
        media, *parameters = part.split(";")
        name = media.strip().lower()
        if not name:
            continue
        quality = 1.0
        for parameter in parameters:
            key, _, text = parameter.partition("=")
            if key.strip().lower() == "q":
                text = text.strip()
                quality = float(text) if _QUALITY.fullmatch(text) else 0.0
        ranges[name] = max(quality, ranges.get(name, 0.0))
    return ranges


def _wanted(offer: str, ranges: dict[str, float]) -> float:
    for candidate in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0
