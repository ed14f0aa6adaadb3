"""Files of the host that are imported at their first use, when a lambda's own files come first on sys.path."""

import subprocess
import sys

import pytest

from luna_lambda_tools.private import host

LATE = "luna_lambda_tools.private.default_routes."


def printed(code: str) -> str:
    """What a fresh interpreter prints that sees the same luna_lambda_tools."""
    folder = host.__file__.removesuffix("/luna_lambda_tools/private/host.py")
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {folder!r})\n{code}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["docs", "config"])
def test_what_is_imported_late_imports_nothing_but_files_of_the_host(name):
    code = (
        "import luna_lambda_tools.private.host\n"
        f"assert {LATE + name!r} not in sys.modules\n"
        "before = set(sys.modules)\n"
        f"import {LATE}{name}\n"
        "print(sorted(n for n in set(sys.modules) - before if not n.startswith('luna_lambda_tools.')))"
    )

    assert printed(code) == "[]"


def test_what_serves_static_files_is_imported_before_the_lambda(tmp_path):
    (tmp_path / "static").mkdir()
    code = (
        "from luna_lambda_tools.private import host, serving\n"
        f"serving.prepare({str(tmp_path)!r})\n"
        "print('mimetypes' in sys.modules)"
    )

    assert printed(code) == "True"


def test_a_lambda_without_static_files_does_not_pay_for_them(tmp_path):
    code = (
        "from luna_lambda_tools.private import host, serving\n"
        f"serving.prepare({str(tmp_path)!r})\n"
        "print('mimetypes' in sys.modules)"
    )

    assert printed(code) == "False"
