"""What documents say of the body of POST /main of a handlers lambda: the models of public.handlers.schemas.

Written out, since the models are imported where handlers lambdas run only, and do not say that sources are one of four
kinds; a test holds it against them.
"""

from __future__ import annotations

from typing import Any

HANDLER_ID = {
    "name": "Luna-Handler-Id",
    "in": "header",
    "required": False,
    "description": "The handler that sends the request.",
    "schema": {"type": "string", "format": "uuid"},
}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_FLAG = {"type": "integer", "enum": [0, 1]}
_ANY = {"type": "object"}
_IMAGE = {"type": "string", "format": "binary", "description": "Bytes in msgpack, text in JSON."}
_LIMIT = 2**30
_PIXELS = {"type": "integer", "minimum": -_LIMIT, "maximum": _LIMIT}

_BOX = _object(x=_PIXELS, y=_PIXELS, width=_PIXELS, height=_PIXELS) | {"required": ["x", "y", "width", "height"]}
_ORIGIN = _object(body=_IMAGE, body_meta=_ANY) | {
    "required": ["body"],
    "description": "The image that the source was made from.",
}
_LOCATION = _object(
    geo_position=_object(latitude=_NUMBER, longitude=_NUMBER) | {"required": ["latitude", "longitude"]},
    street=_TEXT,
    house_number=_TEXT,
    district=_TEXT,
    area=_TEXT,
    city=_TEXT,
)
_SOURCE_DATA = _object(
    source=_TEXT,
    stream_id=_TEXT,
    tags=_list(_TEXT),
    user_data=_TEXT,
    external_id=_TEXT,
    track_id=_TEXT,
    meta=_ANY,
    event_time=_TEXT,
    event_end_time=_TEXT,
    location=_LOCATION,
)
_ANGLES = _object(yaw=_NUMBER, pitch=_NUMBER, roll=_NUMBER) | {"required": ["yaw", "pitch", "roll"]}
_DETECTED: dict[str, Any] = {"warp": _IMAGE, "bounding_box": _BOX, "meta": _ANY}
_PAIR = _object(
    face=_object(**_DETECTED, angles=_ANGLES, score=_NUMBER, origin_bounding_box=_BOX),
    body=_object(**_DETECTED),
)
_RAW_IMAGE = _object(body=_IMAGE, face_bounding_boxes=_list(_BOX), body_bounding_boxes=_list(_BOX), meta=_ANY)
_SOURCE = _object(
    filename=_TEXT,
    source_type={"type": "integer"},
    detect_time=_TEXT,
    detect_ts={"type": "number", "minimum": 0, "maximum": 158731466399.999},
    image_origin=_ORIGIN,
    raw_image={**_RAW_IMAGE, "description": "The image; absent when raw_detections are there."},
    raw_detections={**_list(_PAIR), "description": "What was detected before."},
    source_data={**_SOURCE_DATA, "description": "When sources are not aggregated."},
)

BODY = _object(
    aggregate_attributes={**_FLAG, "description": "Whether all sources together make one event."},
    use_exif_info={**_FLAG, "default": 1},
    sources={**_list(_SOURCE), "minItems": 1},
    source_data={**_SOURCE_DATA, "description": "When sources are aggregated."},
) | {"required": ["aggregate_attributes", "sources"]}
