"""GET /config: the settings in effect, with secrets masked."""

from __future__ import annotations

import datetime
import json
import math
import re
from typing import Any

from ..lambda_model import LambdaModel
from ..reply import Reply
from .accept import choose

_OFFERS = ("application/json", "text/plain")
MASK = "***"

# A key is a secret's when one of its words is. `key` counts as a word of its own only: `monkey` is none.
_SECRET_WORDS = frozenset(
    "password passwords passwd pwd pass passphrase passcode pin secret secrets token tokens key keys apikey credential "
    "credentials cred creds auth authorization cookie cookies salt jwt bearer signature".split()
)
_SECRET_ENDINGS = ("password", "passwd", "secret", "token", "apikey", "credential", "credentials", "passphrase")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_URL = re.compile(r"([a-z][a-z0-9+.\-]*://)([^\s\"'<>]+)", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(\[[0-9a-f:.]*\]|[^:@\[\]]*)(:\d*)?", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"([\w.\-]*(?:password|passwd|pwd|secret|token|credential|passphrase|api[_\-]?key|access[_\-]?key)\s*[=:]\s*)"
    r"(\"[^\"]*\"|'[^']*'|[^\s;&,]+)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(bearer|basic)\s+[\w\-.~+/]{8,}=*", re.IGNORECASE)
_CONNECTION = re.compile(r"dsn|url|uri|connect", re.IGNORECASE)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL)


def config_reply(request: Any, lambda_: LambdaModel) -> Reply:
    """JSON, or the same as indented text. Raises HostError (415) for other types."""
    media = choose(request.headers.getall("accept", []), _OFFERS)
    user_config = getattr(getattr(request, "config", None), "userConfig", None) or {}
    settings = settings_of(lambda_, user_config)
    if media == "application/json":
        body = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
    else:
        media = "text/plain; charset=utf-8"
        body = "\n".join(_lines(settings, "")) + "\n"
    return Reply(
        200,
        [("Content-Type", media), ("Vary", "Accept"), ("Cache-Control", "no-store")],
        body.encode("utf-8", "replace"),
    )


def settings_of(lambda_: LambdaModel, user_config: dict[str, Any]) -> dict[str, Any]:
    """What is shown: who the lambda is, its lambda_config.yml, the configuration its operator gave it."""
    return {
        "lambda": {"id": lambda_.id, "name": lambda_.name, "version": lambda_.version, "type": lambda_.type},
        "lambda_config": masked(lambda_.config),
        "user_config": masked(user_config),
    }


def masked(value: Any, key: str = "") -> Any:
    """A copy that JSON can hold, in which secrets are replaced by ``***``.

    Secrets are the values of keys that look like one's, the user part of URLs, passwords in connection strings, private
    keys, and the `value` beside a `name` or `key` that looks like a secret's. Empty values stay: that nothing is set is
    no secret. `key` is the one under which the value is found.
    """
    if key and is_secret(key):
        return value if value is None or isinstance(value, bool) or value in ("", [], {}) else MASK
    if isinstance(value, dict):
        shown = {_text(name): masked(member, _text(name)) for name, member in value.items()}
        if "value" in shown and any(is_secret(_text(value.get(name, ""))) for name in ("name", "key")):
            shown["value"] = MASK
        return shown
    if isinstance(value, (list, tuple, set, frozenset)):
        return [masked(member) for member in value]
    if isinstance(value, str):
        return _without_secrets(value, key)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _text(value)


def is_secret(key: str) -> bool:
    """Whether a key looks like one whose value nobody should see: `dbPassword`, `API-KEY`, `refresh_token`."""
    words = [word.lower() for word in _WORD.findall(key)]
    return any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS) for word in words)


def _without_secrets(text: str, key: str) -> str:
    text = _PRIVATE_KEY.sub(MASK, text)
    if "://" in text:
        text = _URL.sub(_without_user, text)
    elif "@" in text and _CONNECTION.search(key):  # user:password@host/database
        text = f"{MASK}@{text.rpartition('@')[2]}"
    text = _SCHEME.sub(rf"\1 {MASK}", text)
    return _ASSIGNMENT.sub(rf"\1{MASK}", text)


def _without_user(match: re.Match[str]) -> str:
    """Up to the last @: a password that holds a raw / or @ must not be shown by half."""
    scheme, rest = match.groups()
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" not in rest or _HOST_AND_PORT.fullmatch(authority):
        return match.group()
    return f"{scheme}{MASK}@{rest.rpartition('@')[2]}"


def _text(value: Any) -> str:
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return str(value)


def _lines(value: Any, indent: str) -> list[str]:
    lines: list[str] = []
    members = value.items() if isinstance(value, dict) else (("-", member) for member in value)
    for key, member in members:
        colon = "" if key == "-" else ":"
        if isinstance(member, (dict, list)) and member:
            lines.append(f"{indent}{_line(key)}{colon}")
            lines.extend(_lines(member, indent + "  "))
        else:
            shown = member if isinstance(member, str) else json.dumps(member)
            lines.append(f"{indent}{_line(key)}{colon} {_line(shown)}".rstrip())
    return lines


def _line(text: str) -> str:
    """Texts with line breaks and the like must not look like settings of their own."""
    return text if text.isprintable() else json.dumps(text, ensure_ascii=False)
