"""The rules of ARCHITECTURE.md that a compiler does not check."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path for folder in ("protocol", "supervisor", "worker") for path in (ROOT / folder).rglob("*.[hc]*")
    if path.suffix in (".h", ".cpp")
)
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)

# A library's headers, and the one place that may include them.
DOORS = {
    r"uv\.h": "supervisor/uv/",
    r"llhttp\.h": "supervisor/http/message_parser.cpp",
    r"yaml-cpp/.*": "supervisor/config/loader.cpp",
    r"spdlog/.*": "supervisor/log/",
    r"nlohmann/.*": "supervisor/json/",
    r"sqlite3\.h": "supervisor/tasks/database.cpp",
    r"CLI/.*": "supervisor/cli/",
    r"msgpack.*": "protocol/codec.cpp",
    r"Python\.h": "worker/python/",
}

# What may not be included from where.
FENCES = {
    "protocol/": r"(supervisor|worker)/.*",
    "supervisor/": r"worker/.*",
    "worker/": r"supervisor/.*",
}


def includes(path: Path) -> list[str]:
    return INCLUDE.findall(path.read_text())


@pytest.mark.parametrize("header", DOORS)
def test_a_library_has_one_door(header: str) -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(re.fullmatch(header, included) for included in includes(path))
    }
    assert users, f"nothing includes {header}: is the rule out of date?"
    assert not [user for user in users if not user.startswith(DOORS[header])]


@pytest.mark.parametrize("folder", FENCES)
def test_programs_do_not_reach_into_each_other(folder: str) -> None:
    offenders = [
        (str(path.relative_to(ROOT)), included)
        for path in SOURCES
        if str(path.relative_to(ROOT)).startswith(folder)
        for included in includes(path)
        if re.fullmatch(FENCES[folder], included)
    ]
    assert not offenders


def test_every_header_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.suffix == ".h" and not path.read_text().startswith("//")
    ]
    assert not silent


def test_nothing_is_owned_twice() -> None:
    shared = [str(path.relative_to(ROOT)) for path in SOURCES if "shared_ptr" in path.read_text()]
    assert not [user for user in shared if not user.startswith("supervisor/log/")], "spdlog's own only"
