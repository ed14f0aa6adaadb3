"""The body of a request to a handlers lambda, as pydantic models: what luna-handlers sends.

Attributes are camelCase, members on the wire snake_case: `sources[0].imageOrigin` is `"image_origin"`. What a body has
beyond the models is kept as attributes under its wire names. A member that was not given is None unless said otherwise.

Names and types are those of LUNA's `luna_lambda_tools.public.handlers.schemas`; what they leave open (how a source
holds its image or detections) is decided here and told in pylib/README.md.
"""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Optional

from pydantic import Field

from luna_lambda_tools.private.wire_model import NOT_EMPTY, Bytes, WireModel
from luna_lambda_tools.public.schemas.base import BoundingBox, Location

__all__ = [
    "Angles",
    "BodyDetectionData",
    "DetectTs",
    "EventSourceAggregatedDetections",
    "EventSourceAggregatedRawImage",
    "EventSourceBase",
    "EventSourceNonAggregatedDetections",
    "EventSourceNonAggregatedRawImage",
    "EventSourceSchema",
    "FaceDetection",
    "FaceDetectionData",
    "ImageOrigin",
    "RawDetection",
    "RawDetectionsAggregated",
    "RawDetectionsNonAggregated",
    "RawImageAggregated",
    "RawImageNonAggregated",
    "SourceData",
]


class DetectTs(float):
    """A time in seconds from some beginning, such as that of a video: from 0 to 158731466399.999.

    Raises ValueError outside of that. The models hold such times as plain floats, checked the same way.
    """

    ge: ClassVar[float] = 0.0
    le: ClassVar[float] = 158731466399.999

    def __new__(cls, x: Any = 0.0) -> DetectTs:
        value = super().__new__(cls, x)
        if not cls.ge <= value <= cls.le:
            raise ValueError(f"{float(value)} is not from {cls.ge:g} to {cls.le}")
        return value


class ImageOrigin(WireModel):
    """The image that a source was made from.

    Attributes:
        body: bytes, or text: a URL, or what the sender has made of the bytes for JSON.
        bodyMeta: what is known of it.
    """

    body: Bytes
    bodyMeta: Optional[Dict[str, Any]] = None


class SourceData(WireModel):
    """What the user has told of a source, to be kept in its event.

    Attributes:
        userData, externalId: "" when not given.
        eventTime, eventEndTime: RFC 3339, as sent.
    """

    source: Optional[str] = None
    streamId: Optional[str] = None
    tags: Optional[List[str]] = None
    userData: str = ""
    externalId: str = ""
    trackId: Optional[str] = None
    meta: Optional[Dict[str, Any]] = None
    eventTime: Optional[str] = None
    eventEndTime: Optional[str] = None
    location: Optional[Location] = None


class Angles(WireModel):
    """The pose of a head, in degrees."""

    yaw: float
    pitch: float
    roll: float


class BodyDetectionData(WireModel):
    """Where a body is: on the image, and on the image's origin."""

    boundingBox: Optional[BoundingBox] = None
    originBoundingBox: Optional[BoundingBox] = None


class FaceDetectionData(WireModel):
    """Where a face is, which way it looks, and how sure that is (0 to 1)."""

    boundingBox: Optional[BoundingBox] = None
    originBoundingBox: Optional[BoundingBox] = None
    angles: Optional[Angles] = None
    score: Optional[float] = None


class RawDetection(WireModel):
    """A body that was detected before.

    Attributes:
        warp: its image, cut out and straightened.
    """

    warp: Optional[Bytes] = None
    boundingBox: Optional[BoundingBox] = None
    meta: Optional[Dict[str, Any]] = None


class FaceDetection(RawDetection):
    """A face that was detected before."""

    angles: Optional[Angles] = None
    score: Optional[float] = None
    originBoundingBox: Optional[BoundingBox] = None


class RawDetectionsAggregated(WireModel):
    """A pair of detections of one person."""

    face: Optional[FaceDetection] = None
    body: Optional[RawDetection] = None


class RawDetectionsNonAggregated(RawDetectionsAggregated):
    """A pair of detections of one person, of a source that makes an event of its own."""


class RawImageAggregated(WireModel):
    """An image that is still to be searched.

    Attributes:
        body: bytes, or text: a URL, or what the sender has made of the bytes for JSON.
        faceBoundingBoxes, bodyBoundingBoxes: where faces and bodies are, if that is known.
    """

    body: Optional[Bytes] = None
    faceBoundingBoxes: Optional[List[BoundingBox]] = None
    bodyBoundingBoxes: Optional[List[BoundingBox]] = None
    meta: Optional[Dict[str, Any]] = None


class RawImageNonAggregated(RawImageAggregated):
    """An image that is still to be searched, of a source that makes events of its own."""


class EventSourceBase(WireModel):
    """One source of events. The sources of a request are one of the four classes below.

    Attributes:
        filename: of the image.
        sourceType: 0 for an image, 1 for a warp, as LUNA numbers them.
        detectTime: when it was taken, RFC 3339, as sent.
        detectTs: when it was taken, in seconds from the beginning of its video.
    """

    filename: Optional[str] = None
    sourceType: Optional[int] = None
    detectTime: Optional[str] = None
    detectTs: Optional[float] = Field(None, ge=DetectTs.ge, le=DetectTs.le)
    imageOrigin: Optional[ImageOrigin] = None

    @classmethod
    def _variant(cls, data: Any) -> type:
        if cls is not EventSourceBase or not isinstance(data, dict):
            return cls
        detected = "raw_detections" in data or "rawDetections" in data
        if isinstance(data, _Aggregated):
            return EventSourceAggregatedDetections if detected else EventSourceAggregatedRawImage
        return EventSourceNonAggregatedDetections if detected else EventSourceNonAggregatedRawImage


class EventSourceAggregatedDetections(EventSourceBase):
    """Detections of one person; with the other sources they make one event."""

    rawDetections: Optional[List[RawDetectionsAggregated]] = None


class EventSourceAggregatedRawImage(EventSourceBase):
    """An image of one person; with the other sources it makes one event."""

    rawImage: Optional[RawImageAggregated] = None


class EventSourceNonAggregatedDetections(EventSourceBase):
    """Detections that make events of their own."""

    rawDetections: Optional[List[RawDetectionsNonAggregated]] = None
    sourceData: Optional[SourceData] = None


class EventSourceNonAggregatedRawImage(EventSourceBase):
    """An image that makes events of its own."""

    rawImage: Optional[RawImageNonAggregated] = None
    sourceData: Optional[SourceData] = None


class EventSourceSchema(WireModel):
    """The whole body, `request.data`.

    Attributes:
        aggregateAttributes: 1 when all sources together make one event, else 0. Required.
        useExifInfo: whether the EXIF data of images counts, 1 or 0.
        sources: one at least. Required.
        sourceData: of all sources together, when they are aggregated.
    """

    aggregateAttributes: int = Field(ge=0, le=1)
    useExifInfo: int = Field(1, ge=0, le=1)
    sources: List[EventSourceBase] = Field(**NOT_EMPTY)
    sourceData: Optional[SourceData] = None

    @classmethod
    def _prepared(cls, data: Any) -> Any:
        """Marks the sources that are aggregated, since they are validated one by one."""
        if not isinstance(data, dict) or not _is_one(data.get("aggregate_attributes", data.get("aggregateAttributes"))):
            return data
        sources = data.get("sources")
        if not isinstance(sources, (list, tuple)):
            return data
        return {**data, "sources": [_Aggregated(each) if isinstance(each, dict) else each for each in sources]}


class _Aggregated(Dict[str, Any]):
    """A source, not validated yet, of a request whose sources are aggregated."""


def _is_one(value: Any) -> bool:
    return value == 1 or value == "1"
