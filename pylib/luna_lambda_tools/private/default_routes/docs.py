"""GET /docs/spec: the lambda's OpenAPI document as YAML, or as a page for people."""

from __future__ import annotations

from typing import Any

from ..lambda_model import LambdaModel
from ..reply import Reply
from . import docs_page, openapi, yaml_text
from .accept import choose

# The first one is for clients that take anything, such as curl.
_OFFERS = ("application/x-yaml", "text/html", "application/yaml", "text/yaml")
_PAGE_HEADERS = [
    # The page needs nothing but its own styles; whatever a docstring holds, nothing else can run or be fetched.
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"),
    ("Referrer-Policy", "no-referrer"),
]


class _Documents:
    """What has been made for one lambda, by media type."""

    def __init__(self, lambda_: LambdaModel) -> None:
        self.lambda_ = lambda_
        self.spec = openapi.spec(lambda_)
        self.bodies: dict[str, bytes] = {}

    def body(self, media: str) -> bytes:
        kind = "html" if media == "text/html" else "yaml"
        if kind not in self.bodies:
            text = docs_page.render(self.spec) if kind == "html" else yaml_text.dump(self.spec)
            self.bodies[kind] = text.encode()
        return self.bodies[kind]


_documents: _Documents | None = None


def docs_reply(request: Any, lambda_: LambdaModel) -> Reply:
    """By Accept: YAML under three names, or HTML. Raises HostError (415) for other types."""
    global _documents
    media = choose(request.headers.getall("accept", []), _OFFERS)
    if _documents is None or _documents.lambda_ is not lambda_:
        _documents = _Documents(lambda_)
    body = _documents.body(media)
    headers = [
        ("Content-Type", f"{media}; charset=utf-8" if media.startswith("text/") else media),
        ("Vary", "Accept"),
        ("Cache-Control", "no-cache"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Reply(200, headers + _PAGE_HEADERS if media == "text/html" else headers, body)


def spec(lambda_: LambdaModel) -> dict[str, Any]:
    """The document, as values of JSON."""
    return openapi.spec(lambda_)
