"""A route's template, parsed: ``/parameters/<parameter:[a-f0-9]{8}>``.

The format is Sanic's. What Sanic would take without a word but never route as it reads is an error here, or a warning.
Needs nothing of the lambda, so that checks which only read the source can use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from .routing_types import EXTENSION, TYPES

_NAME: Final = r"[a-zA-Z_][a-zA-Z0-9_]*"
_PARAMETER = re.compile(rf"<({_NAME})(?::(.*))?>", re.DOTALL)
_FILE_PARAMETER = re.compile(rf"<({_NAME})(?:=([a-z]+))?:ext(?:=([a-z0-9|.]+))?>")
_LOOKS_LIKE_FILE = re.compile(rf"<(?:[^:]*=[^:]*:.*|{_NAME}:ext(?:=.*)?)>", re.DOTALL)
_TWO_TYPES = re.compile(rf"(?:{'|'.join(TYPES)})(?::[a-z]+)+")
_RETIRED = {"string": "str", "number": "float"}
_PLAIN_IN_URLS: Final = "!$&'()*+,;=:@"


class RouteError(ValueError):
    """A template that is not one; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    Attributes:
        label: the name of its type, or its regular expression.
        given: what the template has after the colon, "str" when it has nothing: as label, but ``ext=txt|csv`` is whole.
        file_type: for ``ext``, the type of the name before the extension; "" for any text.
        extensions: for ``ext``, those that are allowed; empty for all.
    """

    name: str
    label: str
    given: str
    file_type: str = ""
    extensions: tuple[str, ...] = ()

    @property
    def has_pattern(self) -> bool:
        """Whether the label is a regular expression."""
        return self.label not in TYPES

    @property
    def spans_segments(self) -> bool:
        """Whether it can match a slash."""
        return self.label == "path" or (self.has_pattern and "/" in self.label)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template.

    Attributes:
        text: the template with one slash in front and none at its end, its static parts percent-encoded.
        parts: its segments; static ones as they stand in a request's path.
        pattern: matches the whole path, its groups are the parameters; None when no parameter needs it.
        spans_segments: whether one of the parameters can match a slash.
        warnings: what a reader of the template would not expect.
    """

    text: str
    parts: tuple[str | Parameter, ...]
    pattern: re.Pattern[str] | None = None
    spans_segments: bool = False
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def parameters(self) -> list[Parameter]:
        """In the order of the template."""
        return [part for part in self.parts if isinstance(part, Parameter)]

    @property
    def is_static(self) -> bool:
        """Whether it has no parameters."""
        return all(isinstance(part, str) for part in self.parts)

    @property
    def argument_names(self) -> list[str]:
        """The names of the arguments that a handler's method gets; a parameter of type ``ext`` adds ``ext``."""
        names = [parameter.name for parameter in self.parameters]
        has_extension = any(parameter.label == "ext" for parameter in self.parameters)
        return [*names, "ext"] if has_extension and "ext" not in names else names


def parse(route: str) -> Template:
    """Raises RouteError."""
    if not isinstance(route, str):
        raise RouteError(f"route is a {type(route).__name__}; it must be a str")
    warnings: list[str] = []
    parts = tuple(_part(text, warnings) for text in _split(unquote(route.lstrip("/"))))
    while len(parts) > 1 and parts[-1] == "":
        parts = parts[:-1]
    parameters = [part for part in parts if isinstance(part, Parameter)]
    names = [parameter.name for parameter in parameters]
    for name in names:
        if names.count(name) > 1:
            raise RouteError(f"the parameter {name} is there {names.count(name)} times; give each its own name")
    text = "/" + "/".join(part if isinstance(part, str) else _written(part) for part in parts)
    pattern = None
    if any(parameter.has_pattern or parameter.label == "path" for parameter in parameters):
        pattern = _compiled("/" + "/".join(_component(part) for part in parts))
    return Template(text, parts, pattern, any(each.spans_segments for each in parameters), tuple(warnings))


def _split(text: str) -> list[str]:
    """The segments; slashes inside of parameters do not part them."""
    parts: list[str] = []
    at = 0
    while True:
        if text.startswith("<", at):
            end = _end_of_parameter(text, at)
            if end < len(text) and text[end] != "/":
                raise RouteError(
                    f"{text[at:end]} is followed by {text[end:].split('/')[0]!r}; a parameter must fill its segment, "
                    "so put what belongs to it into its regular expression"
                )
        else:
            end = text.find("/", at)
            end = len(text) if end < 0 else end
            static = text[at:end]
            if "<" in static:
                raise RouteError(
                    f"{static!r} has text before its parameter; a parameter must fill its segment, so put what belongs "
                    "to it into its regular expression"
                )
        parts.append(text[at:end])
        if end == len(text):
            return parts
        at = end + 1


def _end_of_parameter(text: str, start: int) -> int:
    """The place behind the ``>`` of the parameter that begins at start; what belongs to its pattern is skipped."""
    at = start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == "[":
            at = _end_of_set(text, at)
        elif text.startswith("(?P<", at):
            at = text.find(">", at) + 1 or len(text)
        elif text.startswith(("(?<", "(?>"), at):
            at += 3
        elif text[at] == ">":
            return at + 1
        else:
            at += 1
    raise RouteError(f"{text[start:]} does not end; write <name>, <name:type> or <name:regular expression>")


def _end_of_set(text: str, start: int) -> int:
    at = start + 1
    if text.startswith("^", at):
        at += 1
    if text.startswith("]", at):  # first in a set it is a member
        at += 1
    while at < len(text):
        if text[at] == "]":
            return at + 1
        at += 2 if text[at] == "\\" else 1
    return len(text)


def _part(text: str, warnings: list[str]) -> str | Parameter:
    if not text.startswith("<"):
        encoded = quote(text)
        if any(character in text for character in _PLAIN_IN_URLS):
            warnings.append(f"{text!r} matches only as {encoded!r}: static text is compared percent-encoded")
        return encoded
    if _LOOKS_LIKE_FILE.fullmatch(text):
        return _file_parameter(text)
    match = _PARAMETER.fullmatch(text)
    if match is None:
        raise RouteError(f"{text} is no parameter; write <name>, <name:type> or <name:regular expression>")
    name, label = match[1], match[2] or "str"
    if label in TYPES:
        return Parameter(name, label, label)
    if _TWO_TYPES.fullmatch(label):
        raise RouteError(f"{text} has more than one type; choose one of {', '.join(TYPES)}")
    if label in _RETIRED:
        warnings.append(f"{text} matches only the text {label!r}: write <{name}:{_RETIRED[label]}> for the type")
    if label.startswith("^") or (label.endswith("$") and not label.endswith("\\$")):
        warnings.append(f"{text} cannot match inside of a path: leave out ^ and $, it must match as a whole anyhow")
    return Parameter(name, label, label)


def _file_parameter(text: str) -> Parameter:
    match = _FILE_PARAMETER.fullmatch(text)
    if match is None:
        raise RouteError(f"{text} is no parameter; write <name:ext>, <name:ext=txt|csv> or <name=int:ext=txt>")
    name, file_type, allowed = match[1], match[2] or "", match[3] or ""
    if file_type and (file_type not in TYPES or file_type in ("path", "ext")):
        others = ", ".join(known for known in TYPES if known not in ("path", "ext"))
        raise RouteError(f"{text} has the file name's type {file_type}; choose one of {others}")
    extensions = tuple(allowed.split("|")) if allowed else ()
    for extension in extensions:
        if not re.fullmatch(EXTENSION, extension):
            raise RouteError(f"{text} allows the extension {extension!r}, which none can be")
    if len({extension.count(".") for extension in extensions}) > 1:
        raise RouteError(f"{text} must allow extensions with the same number of dots")
    return Parameter(name, "ext", f"ext={allowed}" if allowed else "ext", file_type, extensions)


def _written(parameter: Parameter) -> str:
    file_type = f"={parameter.file_type}" if parameter.file_type else ""
    return f"<{parameter.name}{file_type}:{parameter.given}>"


def _component(part: str | Parameter) -> str:
    """A part's piece of the whole pattern."""
    if isinstance(part, str):
        return re.escape(part)
    if not part.has_pattern:
        return f"(?P<{part.name}>{TYPES[part.label].pattern})"
    groups = _compiled(part.label)
    if groups.groups == 0:
        return f"(?P<{part.name}>{part.label})"
    if groups.groups > 1:
        raise RouteError(
            f"{part.label} has {groups.groups} groups; leave one, the value, or write the others as (?:...)"
        )
    if groups.groupindex:
        group = next(iter(groups.groupindex))
        if group != part.name:
            raise RouteError(f"the group {group} in {part.label} must have the parameter's name, {part.name}")
        return f"(?:{part.label})"
    if part.label.count("(") > 1:
        raise RouteError(f"{part.label} is ambiguous; name the group that is the value: (?P<{part.name}>...)")
    before, after = part.label.split("(")
    return f"(?:{before}(?P<{part.name}>{after})"


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise RouteError(f"{pattern} is no regular expression: {error}") from None
