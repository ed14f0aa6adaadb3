"""Reads lambda_config.yml, the lambda's own configuration file.

The file comes with the lambda and is trusted as little as its size and nesting need: only plain YAML types are built,
and aliases are counted before they are followed, because a few lines of them can stand for billions of values.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from .failures import summary_of
from .start_failure import StartFailure

if TYPE_CHECKING:
    import yaml

FILE_NAME = "lambda_config.yml"
MAX_BYTES = 1024 * 1024
MAX_VALUES = 100_000
_MISNAMED = ("lambda_config.yml", "lambda_config.yaml", "lambda-config.yml", "lambda-config.yaml")


def read(folder: str) -> dict[str, Any] | None:
    """The file's mapping, or None when there is no such file. Raises StartFailure."""
    try:
        # O_NONBLOCK: opening a named pipe must not wait for its writer.
        fd = os.open(os.path.join(folder, FILE_NAME), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise StartFailure(f"{FILE_NAME} is not a regular file; put the configuration itself there")
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartFailure(f"{FILE_NAME} cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise StartFailure(f"{FILE_NAME} is larger than {MAX_BYTES // 1024} KiB; keep data in files of its own")
    return parse(data)


def misnamed(folder: str) -> str:
    """A file that may be meant, as lambda_config.yaml; "" when there is none."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ""
    return next((name for name in names if name.lower() in _MISNAMED and name != FILE_NAME), "")


def parse(data: bytes) -> dict[str, Any]:
    """The mapping that the bytes of a configuration file hold. Raises StartFailure."""
    try:
        import yaml
    except ImportError as error:
        raise StartFailure(f"{FILE_NAME} needs the package PyYAML (Debian: python3-yaml): {error}") from None
    try:
        loader = yaml.SafeLoader(data)
        try:
            node = loader.get_single_node()
            if node is None:
                return {}
            _refuse_bombs(node)
            if not isinstance(node, yaml.MappingNode):
                raise StartFailure(
                    f"{FILE_NAME}:{node.start_mark.line + 1}: the file must be a mapping (lines of `key: value`)"
                )
            value = loader.construct_document(node)  # type: ignore[no-untyped-call]
        finally:
            loader.dispose()  # type: ignore[no-untyped-call]
    except yaml.reader.ReaderError as error:
        where = f"{FILE_NAME}:{_line_at(data, error)}"
        raise StartFailure(f"{where}: {error.reason}; the file must be UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{FILE_NAME}:{mark.line + 1}" if mark else FILE_NAME
        context = f" ({error.context})" if error.context else ""
        raise StartFailure(f"{where}: {error.problem}{context}") from None
    except RecursionError:
        raise StartFailure(f"{FILE_NAME} is nested too deeply") from None
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as error:  # a date 2024-13-01
        raise StartFailure(f"{FILE_NAME}: a value cannot be read: {summary_of(error)}") from None
    if not isinstance(value, dict):
        raise StartFailure(f"{FILE_NAME}: the file must be a mapping (lines of `key: value`)")
    return value


def _refuse_bombs(root: yaml.Node) -> None:
    """Counts the values that the document stands for once every alias and merge key is followed."""
    weights: dict[int, int | None] = {}  # None while a node's members are being counted

    def weight(node: yaml.Node) -> int:
        known = weights.get(id(node), 0)
        line = node.start_mark.line + 1
        if known is None:
            raise StartFailure(f"{FILE_NAME}:{line}: a value contains itself through an alias")
        if known:
            return known
        weights[id(node)] = None
        total = 1
        if isinstance(node.value, list):
            for member in node.value:
                for each in member if isinstance(member, tuple) else (member,):
                    total += weight(each)
        if total > MAX_VALUES:
            raise StartFailure(f"{FILE_NAME}:{line}: stands for more than {MAX_VALUES} values (aliases included)")
        weights[id(node)] = total
        return total

    weight(root)


def _line_at(data: bytes, error: yaml.reader.ReaderError) -> int:
    """PyYAML counts bytes while it decodes and characters afterwards."""
    if error.encoding == "unicode":
        return data.decode("utf-8", "replace")[: error.position].count("\n") + 1
    return data[: error.position].count(b"\n") + 1
