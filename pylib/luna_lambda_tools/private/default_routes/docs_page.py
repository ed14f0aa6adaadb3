"""An OpenAPI document as one HTML page, made here: no script, no font, no image, nothing from the network.

Every text of the document is escaped where it is put in; the functions here take plain text and give HTML.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

from .docs_style import STYLE

_NOT_SLUG = re.compile(r"[^a-zA-Z0-9]+")
_DEEPEST = 8
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def escape(text: str) -> str:
    """Text for HTML. This file is imported late, when a lambda's own html.py might come instead of Python's."""
    return text.translate(_ESCAPES)


def render(document: dict[str, Any]) -> str:
    """The page."""
    return "".join(_Page(document).parts())


class _Page:
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._operations = list(_operations(document))

    def parts(self) -> Iterator[str]:
        info = self._document["info"]
        title = escape(info["title"])
        yield (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<link rel="icon" href="data:,">\n<title>{title} {escape(info["version"])}</title>\n'
            f"<style>\n{STYLE}</style>\n</head>\n<body>\n"
        )
        yield from self._navigation()
        yield "<main>\n<header>\n"
        yield f'<h1>{title} <span class="version">{escape(info["version"])}</span></h1>\n'
        kind, identity = escape(info.get("x-lambda-type", "")), escape(info.get("x-lambda-id", ""))
        yield f'<p class="meta">LUNA lambda, {kind} · id <code>{identity}</code></p>\n'
        yield _prose(info.get("description", ""))
        yield "</header>\n"
        for tag in self._document["tags"]:
            yield from self._section(tag)
        yield from self._common()
        yield from self._schemas()
        yield "</main>\n</body>\n</html>\n"

    def _navigation(self) -> Iterator[str]:
        yield '<nav aria-label="Routes">\n'
        for tag in self._document["tags"]:
            members = [each for each in self._operations if each.tag == tag["name"]]
            if not members:
                continue
            yield f"<h2>{escape(tag['name'])}</h2>\n<ul>\n"
            for each in members:
                yield f'<li><a href="#{each.anchor}">{_badge(each.method)}<span>{_path(each.path)}</span></a></li>\n'
            yield "</ul>\n"
        yield "</nav>\n"

    def _section(self, tag: dict[str, Any]) -> Iterator[str]:
        members = [each for each in self._operations if each.tag == tag["name"]]
        if not members:
            return
        yield f'<section>\n<h2>{escape(tag["name"])}</h2>\n<p class="lead">{escape(tag.get("description", ""))}</p>\n'
        for each in members:
            yield from self._operation(each)
        yield "</section>\n"

    def _operation(self, operation: "_Operation") -> Iterator[str]:
        body = operation.body
        yield f'<article id="{operation.anchor}">\n'
        yield f"<h3>{_badge(operation.method)}<code>{_path(operation.path)}</code></h3>\n"
        yield f'<p class="summary">{escape(body.get("summary", ""))}</p>\n'
        yield _prose(body.get("description", ""))
        if "x-lambda-route" in body:
            yield f'<p class="meta">route <code>{escape(body["x-lambda-route"])}</code></p>\n'
        yield from self._parameters(body.get("parameters", []))
        if "requestBody" in body:
            yield "<h4>Body</h4>\n"
            yield _prose(body["requestBody"].get("description", ""))
            yield self._content(body["requestBody"].get("content", {}))
        yield from self._responses(body["responses"])
        yield "</article>\n"

    def _parameters(self, parameters: list[dict[str, Any]]) -> Iterator[str]:
        found = [each for each in parameters if "$ref" not in each]  # the others are those of every route
        if found:
            yield from self._parameter_table("Parameters", found)

    def _parameter_table(self, title: str, found: list[dict[str, Any]]) -> Iterator[str]:
        yield (
            f'<h4>{title}</h4>\n<div class="wide"><table>\n<thead><tr><th>Name</th><th>In</th><th>Type</th>'
            "<th>Description</th></tr></thead>\n<tbody>\n"
        )
        for each in found:
            needed = ' <span class="required">required</span>' if each.get("required") else ""
            yield (
                f"<tr><td><code>{escape(each['name'])}</code>{needed}</td><td class='word'>{escape(each['in'])}</td>"
                f"<td>{self._type(each.get('schema', {}))}</td><td>{escape(each.get('description', ''))}</td></tr>\n"
            )
        yield "</tbody>\n</table></div>\n"

    def _responses(self, responses: dict[str, Any]) -> Iterator[str]:
        yield '<h4>Answers</h4>\n<div class="wide"><table>\n'
        yield "<thead><tr><th>Status</th><th>Meaning</th><th>Body</th></tr></thead>\n<tbody>\n"
        for status, answer in responses.items():
            answer = self._resolve(answer)
            shown = "other" if status == "default" else status
            yield (
                f'<tr><td><code class="status s{escape(status[:1])}">{escape(shown)}</code></td>'
                f"<td>{escape(answer['description'])}</td><td>{self._content(answer.get('content', {}))}</td></tr>\n"
            )
        yield "</tbody>\n</table></div>\n"

    def _content(self, content: dict[str, Any]) -> str:
        by_type: dict[str, list[str]] = {}
        for media, value in content.items():
            by_type.setdefault(self._type(value.get("schema", {})), []).append(media)
        return "".join(
            f'<div class="content"><span class="media">{escape(", ".join(media))}</span> {shown}</div>'
            for shown, media in by_type.items()
        )

    def _common(self) -> Iterator[str]:
        """What is the same for every route."""
        components = self._document["components"]
        yield "<section>\n<h2>every route</h2>\n"
        yield '<p class="lead">What all requests may have and all answers do.</p>\n<article>\n'
        yield from self._parameter_table("Request headers", list(components["parameters"].values()))
        headers = components["responses"]["Error"]["headers"]
        answers = [
            {"name": name, "in": "errors" if name == "Lambda-Error" else "every answer", **self._resolve(each)}
            for name, each in headers.items()
        ]
        yield from self._parameter_table("Answer headers", answers)
        yield "</article>\n</section>\n"

    def _schemas(self) -> Iterator[str]:
        schemas = self._document["components"]["schemas"]
        yield "<section>\n<h2>schemas</h2>\n"
        for name, schema in schemas.items():
            yield f'<article id="{_schema_anchor(name)}">\n<h3><code>{escape(name)}</code></h3>\n'
            yield _prose(schema.get("description", ""))
            properties = schema.get("properties", {})
            if not properties:
                yield f"<p>{self._type(schema)}</p>\n"
            else:
                required = schema.get("required", [])
                yield '<div class="wide"><table>\n'
                yield "<thead><tr><th>Name</th><th>Type</th><th>Description</th></tr></thead>\n<tbody>\n"
                for key, member in properties.items():
                    needed = ' <span class="required">required</span>' if key in required else ""
                    yield (
                        f"<tr><td><code>{escape(key)}</code>{needed}</td><td>{self._type(member)}</td>"
                        f"<td>{escape(member.get('description', ''))}</td></tr>\n"
                    )
                yield "</tbody>\n</table></div>\n"
            yield "</article>\n"
        yield "</section>\n"

    def _type(self, schema: dict[str, Any], depth: int = 0) -> str:
        """A schema in a few words."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return f'<a href="#{_schema_anchor(name)}"><code>{escape(name)}</code></a>'
        if depth > _DEEPEST:
            return "…"
        words = []
        for key, joint in (("allOf", " and "), ("anyOf", " or "), ("oneOf", " or ")):
            if schema.get(key):
                words.append(joint.join(self._type(each, depth + 1) for each in schema[key]))
        kind = schema.get("type", "")
        if kind == "array":
            words.append(f"array of {self._type(schema.get('items', {}), depth + 1)}")
        elif kind and not words:
            shown = schema.get("format", kind) if kind == "string" else kind
            words.append(escape(str(shown)))
        if isinstance(schema.get("additionalProperties"), dict):
            words.append(f"of {self._type(schema['additionalProperties'], depth + 1)}")
        if schema.get("enum"):
            values = [f"<code>{escape(json.dumps(each, ensure_ascii=False))}</code>" for each in schema["enum"]]
            words.append(f"one of {', '.join(values)}")
        words.extend(self._limits(schema))
        if schema.get("nullable"):
            words.append("or null")
        return " ".join(words) or "anything"

    def _limits(self, schema: dict[str, Any]) -> Iterator[str]:
        if "pattern" in schema:
            yield f"like <code>{escape(schema['pattern'])}</code>"
        for low, high, what in (
            ("minimum", "maximum", ""),
            ("minLength", "maxLength", " characters"),
            ("minItems", "maxItems", " items"),
        ):
            if low in schema or high in schema:
                least, most = schema.get(low), schema.get(high)
                yield escape(f"({'' if least is None else least}…{'' if most is None else most}{what})")
        if "default" in schema:
            yield f"default <code>{escape(json.dumps(schema['default'], ensure_ascii=False))}</code>"

    def _resolve(self, value: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in value:
            return value
        found: Any = self._document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        assert isinstance(found, dict)
        return found


class _Operation:
    """One method of one path."""

    def __init__(self, method: str, path: str, body: dict[str, Any]) -> None:
        self.method = method
        self.path = path.partition("#")[0]
        self.body = body
        self.tag = body["tags"][0]
        self.anchor = escape(body["operationId"])


def _operations(document: dict[str, Any]) -> Iterator[_Operation]:
    for path, item in document["paths"].items():
        for method, body in item.items():
            yield _Operation(method, path, body)


def _badge(method: str) -> str:
    return f'<span class="method {method}">{method.upper()}</span>'


def _path(path: str) -> str:
    """Parameters are set off; a long path may break behind each slash."""
    marked = re.sub(r"\{(.*?)\}", r'<span class="parameter">{\1}</span>', escape(path))
    return marked.replace("/", "/<wbr>").replace("</<wbr>", "</")


def _prose(text: str) -> str:
    """Paragraphs; indented ones, and lines that begin with a dash, as they are written."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if not paragraph.strip():
            continue
        lines = paragraph.split("\n")
        if any(line[:1].isspace() or line.startswith(("-", "*", ">>>", "|")) for line in lines):
            parts.append(f"<pre>{escape(paragraph)}</pre>\n")
        else:
            parts.append(f"<p>{_inline(' '.join(line.strip() for line in lines))}</p>\n")
    return "".join(parts)


def _inline(text: str) -> str:
    """Words in backticks are code."""
    return re.sub(r"(`+)([^`]+)\1", r"<code>\2</code>", escape(text))


def _schema_anchor(name: str) -> str:
    return f"schema-{_NOT_SLUG.sub('-', name)}"
