"""The base of all models of request bodies: camelCase in Python, snake_case on the wire; pydantic 1 and 2 alike.

Imports pydantic: nothing of the host imports this file unless the lambda is a handlers lambda.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Union

import pydantic

_UPPER = re.compile(r"[A-Z]")


def wire_name(name: str) -> str:
    """``imageOrigin`` -> ``image_origin``."""
    return _UPPER.sub(lambda letter: f"_{letter.group().lower()}", name)


def _version() -> tuple[int, ...]:
    return tuple(int(part) for part in pydantic.VERSION.split(".")[:2])


class _Common:
    """What both bases have. Members that the models do not name are kept, as attributes under their wire names."""

    @classmethod
    def _variant(cls, data: Any) -> type:
        """The class, this one or one derived from it, that data of this kind is loaded into."""
        return cls

    @classmethod
    def _prepared(cls, data: Any) -> Any:
        """The data as it is validated; for what members must know of each other."""
        return data


if hasattr(pydantic.BaseModel, "model_validate"):
    #: For `Field` of a list.
    NOT_EMPTY: dict[str, Any] = {"min_length": 1}
    # Members are written by what they are, not by what their field says; pydantic knows that from 2.7 on.
    _AS_THEY_ARE = {"serialize_as_any": True} if _version() >= (2, 7) else {}

    class WireModel(_Common, pydantic.BaseModel):
        """A model; ``asDict()`` is what it looked like on the wire."""

        model_config = {"alias_generator": wire_name, "populate_by_name": True, "extra": "allow"}

        @pydantic.model_validator(mode="wrap")
        @classmethod
        def _load(cls, data: Any, handler: Any) -> Any:
            variant = cls._variant(data)
            return handler(cls._prepared(data)) if variant is cls else variant.model_validate(data)  # type: ignore[attr-defined]

        def model_dump(self, **options: Any) -> dict[str, Any]:
            """As pydantic's, under the wire names unless by_alias=False."""
            return super().model_dump(**{"by_alias": True, **_AS_THEY_ARE, **options})

        def model_dump_json(self, **options: Any) -> str:
            """As pydantic's, under the wire names unless by_alias=False."""
            return super().model_dump_json(**{"by_alias": True, **_AS_THEY_ARE, **options})

        def dict(self, **options: Any) -> dict[str, Any]:
            """Pydantic 1's name of `model_dump`."""
            return self.model_dump(**options)

        def json(self, **options: Any) -> str:
            """Pydantic 1's name of `model_dump_json`."""
            return self.model_dump_json(**options)

        def asDict(self) -> "dict[str, Any]":
            """As on the wire: snake_case names, without what was not given."""
            return self.model_dump(exclude_unset=True)

else:
    NOT_EMPTY = {"min_items": 1}

    class WireModel(_Common, pydantic.BaseModel):  # type: ignore[no-redef]
        """A model; ``asDict()`` is what it looked like on the wire."""

        class Config:
            alias_generator = wire_name
            allow_population_by_field_name = True
            extra = "allow"

        @classmethod
        def validate(cls, value: Any) -> Any:
            variant = cls._variant(value)
            return super().validate(value) if variant is cls else variant.validate(value)  # type: ignore[attr-defined]

        @pydantic.root_validator(pre=True)
        def _load(cls, values: Any) -> Any:
            return cls._prepared(values)

        def dict(self, **options: Any) -> dict[str, Any]:
            """As pydantic's, under the wire names unless by_alias=False."""
            return super().dict(**{"by_alias": True, **options})

        def json(self, **options: Any) -> str:
            """As pydantic's, under the wire names unless by_alias=False."""
            return super().json(**{"by_alias": True, **options})

        def asDict(self) -> "dict[str, Any]":
            """As on the wire: snake_case names, without what was not given."""
            return self.dict(exclude_unset=True)


if TYPE_CHECKING:
    Bytes = Union[str, bytes]
else:

    class Bytes:
        """The type of members that hold an image: bytes (msgpack) or text (JSON), each left as it came.

        Pydantic's own union would name the place at fault once per member of the union.
        """

        @classmethod
        def _check(cls, value: Any) -> Any:
            if not isinstance(value, (str, bytes)):
                raise ValueError("must be bytes or text")
            return value

        @classmethod
        def __get_validators__(cls) -> Any:  # pydantic 1
            yield cls._check

        @classmethod
        def __modify_schema__(cls, schema: dict[str, Any]) -> None:  # pydantic 1
            schema.update(type="string", format="binary")

        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
            from pydantic_core import core_schema

            return core_schema.no_info_plain_validator_function(cls._check)

        @classmethod
        def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
            return {"type": "string", "format": "binary"}


__all__ = ["NOT_EMPTY", "Bytes", "WireModel", "wire_name"]
