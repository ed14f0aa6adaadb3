"""The cookies of a request."""

from __future__ import annotations

import re
from typing import Any

from luna_lambda_tools.private.query import RequestParameters

_BAD_NAME = re.compile('[\x00-\x20\x7f-\xff()<>@,;:\\\\"/\\[\\]?={}]')
_ESCAPED = re.compile(r"\\([0-3][0-7][0-7]|.)", re.DOTALL)


class CookieParameters(RequestParameters):
    """Cookies by name: `get` gives the first value as str, `getlist` and `[]` all, `cookies.name` the first or "".

    As in Sanic a name is also found by its `__Host-` or `__Secure-` form, which then comes first.
    """

    def _key(self, name: str) -> str:
        for prefix in ("__Host-", "__Secure-"):
            if prefix + name in self:
                return prefix + name
        return name

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(self._key(name))

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(self._key(name), default)

    def getlist(self, name: str, default: Any = None) -> Any:
        return super().getlist(self._key(name), default)

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return str(self.get(name.rstrip("_").replace("_", "-"), ""))


def parse_cookies(header: str) -> CookieParameters:
    """The value of a Cookie header -> its cookies. What is no cookie is left out; nothing raises."""
    cookies = CookieParameters()
    for field in header.split(";"):
        name, equals, value = field.partition("=")
        name, value = name.strip(), value.strip()
        if not equals:
            if not name:
                continue
            name, value = "", name
        if _BAD_NAME.search(name):
            continue
        if len(value) >= 2 and value[0] == value[-1] == '"':
            value = _ESCAPED.sub(_unescape, value[1:-1])
        cookies.setdefault(name, []).append(value)
    return cookies


def _unescape(match: re.Match[str]) -> str:
    escape = match.group(1)
    return chr(int(escape, 8)) if len(escape) == 3 else escape
