"""The headers of a request and the grammar of the ones that a request understands."""

from __future__ import annotations

import binascii
import re
from typing import NamedTuple, Optional

from multidict import CIMultiDict

# A charset that comes from a client is used only when it is in this list: Python's codec table also holds
# transformations, decoders of quadratic cost, and a cache that grows with every unknown name.
_CHARSET = re.compile(
    r"utf-?8|us-ascii|ascii|latin-?1|iso-8859-\d{1,2}|windows-12[56]\d|cp12[56]\d|cp\d{3}|koi8-[rut]"
    r"|utf-(16|32)(le|be)?|gbk|gb2312|gb18030|big5|shift[_-]jis|euc-(jp|kr)|iso-2022-jp|macintosh",
    re.IGNORECASE,
)


_UP_TO_QUOTE = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')


class Header(CIMultiDict[str]):
    """The headers of a request: a multidict that ignores the case of names. Names are lower-case, as in Sanic.

    `get`/`getone` give the first value, `getall` the list of them; `headers.content_type` all of them, joined by ",".
    """

    def get_all(self, name: str) -> list[str]:
        """All values of `name`; an empty list when there is none."""
        return self.getall(name, [])

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return ",".join(self.getall(name.rstrip("_").replace("_", "-"), []))


class Credentials(NamedTuple):
    """The Authorization header: its scheme ("Basic", "Bearer", "Token", or None when unknown) and the rest of it."""

    auth_type: Optional[str]
    token: Optional[str]

    @property
    def username(self) -> str:
        """The user's name of Basic. Raises AttributeError for other schemes."""
        return self._basic()[0]

    @property
    def password(self) -> str:
        """The password of Basic. Raises AttributeError for other schemes."""
        return self._basic()[1]

    def _basic(self) -> tuple[str, str]:
        if self.auth_type != "Basic" or self.token is None:
            raise AttributeError("username and password exist for Basic authorization only")
        try:
            text = binascii.a2b_base64(self.token.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")
        except binascii.Error:
            raise AttributeError("the Authorization header is not valid base64") from None
        name, _, password = text.partition(":")
        return name, password


def parse_credentials(value: Optional[str], schemes: tuple[str, ...]) -> Credentials:
    """An Authorization header -> its scheme, when it is one of `schemes`, and the rest; else (None, all of it)."""
    if value is None:
        return Credentials(None, None)
    word, _, rest = value.strip().partition(" ")
    for scheme in schemes:
        if word.lower() == scheme.lower():
            return Credentials(scheme, rest.strip())
    return Credentials(None, value)


def parse_accept(value: Optional[str]) -> list[str]:
    """An Accept header -> media types, the most wanted first; ["*/*"] when there is none."""
    if not value or not value.strip():
        return ["*/*"]
    wanted: list[tuple[float, str]] = []
    for part in value.split(","):
        media, _, parameters = part.strip().partition(";")
        media = media.strip().lower()
        quality = 1.0
        for parameter in parameters.split(";"):
            name, _, text = parameter.partition("=")
            if name.strip().lower() == "q":
                quality = _quality(text.strip())
        if media and quality > 0:
            wanted.append((quality, media))
    wanted.sort(key=lambda item: -item[0])
    return [media for _, media in wanted]


def _quality(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.[0-9]{0,3})?", text) else 1.0


def parse_parameters(value: str) -> tuple[str, dict[str, str]]:
    """`form-data; name="x"` -> ("form-data", {"name": "x"}). Names are lower-case, the first of a name counts.

    In quoted values `\\"` and `\\\\` are unescaped; other backslashes stay: old browsers send whole Windows paths.
    Linear in the length of the value.
    """
    first, semicolon, _ = value.partition(";")
    parameters: dict[str, str] = {}
    at = len(first) + 1
    while semicolon and at < len(value):
        end = value.find(";", at)
        end = len(value) if end < 0 else end
        equals = value.find("=", at, end)
        if equals < 0:
            at = end + 1
            continue
        name = value[at:equals].strip().lower()
        start = equals + 1
        while start < len(value) and value[start] in " \t":
            start += 1
        if value[start : start + 1] == '"':
            text, start = _quoted(value, start + 1)
            end = value.find(";", start)
            end = len(value) if end < 0 else end
        else:
            text = value[equals + 1 : end].strip()
        parameters.setdefault(name, text)
        at = end + 1
    return first.strip().lower(), parameters




def _quoted(value: str, start: int) -> tuple[str, int]:
    """The quoted text that begins at `start`, and the place behind its closing quote."""
    match = _UP_TO_QUOTE.match(value, start)
    if match:
        return _ESCAPED.sub(r"\1", value[start : match.end() - 1]), match.end()
    # Every quote that follows is escaped: the first one ends the text, else the value does.
    quote = value.find('"', start)
    end = len(value) if quote < 0 else quote
    return value[start:end], end


def decode_text(raw: bytes, charset: Optional[str]) -> str:
    """Decodes by the client's charset when it is a usual one, else as UTF-8; what does not decode becomes U+FFFD."""
    if charset and _CHARSET.fullmatch(charset):
        try:
            return raw.decode(charset, "replace")
        except (LookupError, UnicodeError):
            pass
    return raw.decode("utf-8", "replace")


