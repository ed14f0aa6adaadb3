"""The lambda's configuration file as a dictionary.

Source: LUNA manual, section "User configuration file".
"""

from __future__ import annotations

from typing import Any, Iterator, NoReturn

from ..private import configuration


class NoConfigurationError(KeyError):
    """lambdaConfig was read, and the lambda has no lambda_config.yml."""

    def __str__(self) -> str:
        return str(self.args[0])


class LambdaConfig(dict[str, Any]):
    """``lambda_config.yml`` of the archive's root; use it as a dict whose top level is read-only.

    In the host the file is read before ``lambda_main`` is imported, and a bad file is a start failure. Elsewhere (unit
    tests of a lambda) it is read from the working directory when it is first used.

    Raises:
        NoConfigurationError: (a KeyError) on any read when there is no such file; its length is then 0.
        TypeError: on writes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._state = "unread"  # then "present" or "absent"

    def _fill(self, values: dict[str, Any] | None) -> None:
        super().clear()
        super().update(values or {})
        self._state = "absent" if values is None else "present"

    def _load(self) -> None:
        if self._state == "unread":
            self._fill(configuration.read("."))

    def _ready(self) -> None:
        self._load()
        if self._state == "absent":
            misnamed = configuration.misnamed(".")
            remedy = f"rename {misnamed}" if misnamed else "put it into the root, next to lambda_main.py"
            raise NoConfigurationError(f"the lambda has no {configuration.FILE_NAME}: {remedy}")

    def __getitem__(self, key: str) -> Any:
        self._ready()
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._ready()
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self._ready()
        return super().__iter__()

    def __reversed__(self) -> Iterator[str]:
        self._ready()
        return super().__reversed__()

    def __len__(self) -> int:
        self._load()
        return super().__len__()

    def __eq__(self, other: object) -> bool:
        self._load()
        return super().__eq__(other)

    __hash__ = None

    def __repr__(self) -> str:
        self._load()
        return super().__repr__() if self._state == "present" else f"<no {configuration.FILE_NAME}>"

    def get(self, key: str, default: Any = None) -> Any:
        self._ready()
        return super().get(key, default)

    def keys(self) -> Any:
        self._ready()
        return super().keys()

    def values(self) -> Any:
        self._ready()
        return super().values()

    def items(self) -> Any:
        self._ready()
        return super().items()

    def copy(self) -> dict[str, Any]:
        """An ordinary dict, which may be changed."""
        self._ready()
        return dict(super().items())

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __reduce__(self) -> Any:
        return dict, (self.copy(),)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("lambdaConfig is read-only; change a copy: lambdaConfig.copy()")

    __setitem__ = __delitem__ = __ior__ = _refuse  # type: ignore[assignment]
    clear = pop = popitem = setdefault = update = _refuse  # type: ignore[assignment]


#: The lambda's configuration; nested values are ordinary dicts and lists.
lambdaConfig = LambdaConfig()
