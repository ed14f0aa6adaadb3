"""Places on images and in the world.

Names and types are those of LUNA's `luna_lambda_tools.public.schemas.base`.
"""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from luna_lambda_tools.private.wire_model import WireModel

__all__ = ["BoundingBox", "GeoPosition", "Location"]

_LIMIT = 2**30


class GeoPosition(WireModel):
    """Degrees.

    Attributes:
        latitude: from -90 to 90.
        longitude: from -180 to 180.
    """

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Location(WireModel):
    """Where a source is; each member is None when it was not given."""

    geoPosition: Optional[GeoPosition] = None
    street: Optional[str] = None
    houseNumber: Optional[str] = None
    district: Optional[str] = None
    area: Optional[str] = None
    city: Optional[str] = None


class BoundingBox(WireModel):
    """A rectangle on an image, in pixels, each number from -2**30 to 2**30.

    Attributes:
        x, y: its upper left corner.
        width, height: its size.
    """

    x: int = Field(ge=-_LIMIT, le=_LIMIT)
    y: int = Field(ge=-_LIMIT, le=_LIMIT)
    width: int = Field(ge=-_LIMIT, le=_LIMIT)
    height: int = Field(ge=-_LIMIT, le=_LIMIT)
