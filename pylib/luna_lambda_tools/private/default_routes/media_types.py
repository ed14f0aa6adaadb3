"""File names to media types; the same on every machine, since the system's own tables are not read."""

from __future__ import annotations

import mimetypes
import os

_UNKNOWN = "application/octet-stream"

# What the tables of Python 3.11 lack, or know under an outdated name.
_MORE = {
    ".avif": "image/avif",
    ".csv": "text/csv",
    ".js": "text/javascript",
    ".jsonl": "application/jsonl",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".msgpack": "application/msgpack",
    ".onnx": _UNKNOWN,
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_types = mimetypes.MimeTypes(filenames=(), strict=True)
for _ending, _type in _MORE.items():
    _types.types_map[True][_ending] = _type


def media_type_of(name: str) -> tuple[str, str | None]:
    """(Content-Type, Content-Encoding or None). Text is taken to be UTF-8; a .gz is sent as the archive that it is."""
    base = os.path.basename(name)
    if base.lower().endswith(".svgz"):
        return "image/svg+xml", "gzip"
    found, encoding = _types.guess_type(f"x{base}" if base.startswith(".") else base, strict=True)
    if encoding is not None:
        return _COMPRESSED.get(encoding, _UNKNOWN), None
    media = found or _UNKNOWN
    return (f"{media}; charset=utf-8" if media.startswith("text/") else media), None
