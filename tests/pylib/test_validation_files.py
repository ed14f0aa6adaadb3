"""Files that are missing, misplaced, no text, or made to break a parser."""

import os
import time

import pytest

from luna_lambda_tools.private import validation
from luna_lambda_tools.private.validation.source import MAX_BYTES

MAIN = "async def main(request):\n    return {}\n"


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


@pytest.fixture
def errors(tmp_path):
    return lambda: validation.validate(str(tmp_path))


def test_a_missing_main_file(errors):
    assert errors() == [
        "lambda_main.py:1: lambda_main.py is missing; it must be in the root of the lambda's folder or archive"
    ]


def test_a_main_file_one_folder_too_deep(write, errors):
    write("my_lambda/lambda_main.py", MAIN)
    assert errors() == [
        "lambda_main.py:1: lambda_main.py is in folder my_lambda/; it must be in the root: pack what is inside of my_lambda/"
    ]


def test_a_main_file_two_folders_too_deep(write, errors):
    write("repository/.git/lambda_main.py", MAIN)
    write("repository/src/lambda_main.py", MAIN)
    assert errors() == [
        "lambda_main.py:1: lambda_main.py is in folder repository/src/; it must be in the root: "
        "pack what is inside of repository/src/"
    ]


def test_a_package_that_hides_the_main_file(write, errors):
    write("lambda_main.py", MAIN)
    write("lambda_main/part.py", "")
    assert errors() == []
    write("lambda_main/__init__.py", MAIN)
    assert errors() == [
        "lambda_main.py:1: the package lambda_main/ is imported in place of lambda_main.py; rename the package"
    ]


def test_a_folder_in_the_main_files_place(write, errors):
    write("lambda_main.py/part.py", MAIN)
    assert errors() == ["lambda_main.py:1: lambda_main.py is not a file; it must be the lambda's source"]


@pytest.mark.parametrize("name", ["__MACOSX/._lambda_main.py", "._part.py", "folder/.#part.py"])
def test_hidden_files_of_systems_and_editors_are_no_modules(write, errors, name):
    write("lambda_main.py", MAIN)
    write(name, b"\0\5\x16\7")
    assert errors() == []


def test_a_hidden_link_to_nothing_is_no_module(write, errors):
    """Emacs locks a file that is being edited by such a link."""
    write("lambda_main.py", MAIN).with_name(".#lambda_main.py").symlink_to("ada@host.1234")
    assert errors() == []


def test_a_main_file_in_other_letters(write, errors):
    write("Lambda_Main.py", MAIN)
    assert errors() == ["lambda_main.py:1: the file is called Lambda_Main.py; rename it to lambda_main.py"]


def test_a_folder_that_is_not_there(tmp_path):
    found = validation.validate(str(tmp_path / "nothing"))
    assert len(found) == 1
    assert found[0].startswith(f"lambda_main.py:1: the folder {tmp_path}/nothing cannot be read (No such file")


@pytest.mark.parametrize("name", ["lambda_main.py", "part.py", "folder/deep/part.py"])
@pytest.mark.parametrize(
    "source, line, text",
    [
        ("x = 1\ndef broken(:\n", 2, "SyntaxError: invalid syntax"),
        ("if True:\nx = 1\n", 2, "IndentationError: expected an indented block"),
        ("if True:\n    x = 1\n\ty = 1\n", 3, "TabError: "),
        ("x = (\n", 1, "SyntaxError: '(' was never closed"),
        ("x = 1\nreturn x\n", 2, "SyntaxError: 'return' outside function"),
        ("def f():\n    await g()\n", 2, "SyntaxError: 'await' outside async function"),
        ("def f(a, a): pass\n", 1, "SyntaxError: duplicate argument 'a'"),
        ("print 'hello'\n", 1, "SyntaxError: Missing parentheses"),
        (b"x = 1\ny = 2\nz = '\xff'\n", 3, "byte 0xff is not utf-8; save the file as UTF-8 text"),
        (b"x = '\xff'\n", 1, "the line is not UTF-8; save the file as UTF-8 text"),
        (b"# \xff\nx = 1\n", 1, "the line is not UTF-8"),
        (b"# a\n# \xff\nx = 1\n", 2, "the line is not UTF-8"),
        (b"x = 1\ny = '\xff'\n", 2, "byte 0xff is not utf-8; save the file as UTF-8 text"),
        ("# coding: klingon\n", 1, "unknown encoding: klingon"),
        (b"x = 1\r\ny = '\0'\r\n", 2, "holds a NUL byte; save the file as UTF-8 text"),
        ("x = 1\n".encode("utf-16"), 1, "holds a NUL byte"),
        ("x = " + "9" * 5000 + "\n", 1, "SyntaxError: Exceeds the limit"),
    ],
    ids=range(17),
)
def test_source_that_python_cannot_read(write, errors, name, source, line, text):
    write("lambda_main.py", MAIN)
    write(name, source)
    found = errors()
    assert len(found) == 1, found
    assert found[0].startswith(f"{name}:{line}: {text}"), found


BOMBS = {
    "parentheses": "(" * 100_000,
    "brackets": "x = " + "[" * 150 + "]" * 150,
    "closed brackets": "x = " + "[" * 5000 + "]" * 5000,
    "minuses": "x = " + "-" * 100_000 + "1",
    "nots": "x = " + "not " * 100_000 + "1",
    "sum": "x = " + "1+" * 100_000 + "1",
    "attributes": "x = a" + ".a" * 100_000,
    "calls": "x = a" + "()" * 100_000,
    "lambdas": "x = " + "lambda:" * 100_000 + "1",
    "targets": "x=" * 100_000 + "1",
    "elifs": "if 1: pass\n" + "elif 1: pass\n" * 20_000,
    "blocks": "".join(" " * n + "if 1:\n" for n in range(200)) + " " * 200 + "pass",
    "f-strings": "x = " + 'f"{' * 1000,
    "powers": "x = " + "9**" * 50_000 + "9",
    "strings": "x = " + "'a' * 9999999 * 9999999 * 9999999",
    "decorators": "@a\n" * 50_000 + "def f(): pass",
    "star": "*" * 100_000,
    "routes": "ROUTES_TO_ADD = [" + "A, " * 20_000 + "]",
    "route": "class A:\n    route = " + "'a' + " * 5000 + "'a'\nROUTES_TO_ADD = [A]",
    "annotation": "async def main(r: '" + "-" * 100_000 + "1'): pass",
    "bases": "class A" + "(B)" + ": pass\n" + "".join(f"class A{n}(A{n + 1}): pass\n" for n in range(5000)),
    "aliases": "main = a0\n" + "".join(f"a{n} = a{n + 1}\n" for n in range(5000)),
    "circle": "main = a\na = b\nb = a\n",
    "backslashes": "\\\n" * 100_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_source_that_is_made_to_break_a_parser(write, tmp_path, bomb):
    write("lambda_main.py", BOMBS[bomb] + "\n" + MAIN)
    write("part.py", BOMBS[bomb] + "\n")
    began = time.monotonic()

    found = validation.inspect(str(tmp_path))

    assert time.monotonic() - began < 20
    for line in found.errors:
        assert line.startswith(("lambda_main.py:", "part.py:"))
        assert len(line) < 500


@pytest.mark.parametrize("name", ["lambda_main.py", "part.py"])
def test_a_source_file_is_at_most_four_mebibytes(write, tmp_path, name):
    write("lambda_main.py", MAIN)
    most = MAIN + "#" * (MAX_BYTES - len(MAIN))
    write(name, most)
    assert validation.inspect(str(tmp_path)).errors == []

    write(name, most + "#")

    assert validation.inspect(str(tmp_path)).errors == [
        f"{name}:1: is larger than 4 MiB; keep data in files of their own, not in source"
    ]


@pytest.mark.parametrize("folder", ["__pycache__", ".git", ".venv/lib", "static", "env/lib"])
def test_folders_that_hold_no_modules_are_not_read(write, errors, folder):
    write("lambda_main.py", MAIN)
    write("env/pyvenv.cfg", "")
    write(f"{folder}/broken.py", "x = (\n")
    assert errors() == []


def test_a_folder_static_further_down_holds_modules(write, errors):
    write("lambda_main.py", MAIN)
    write("app/static/broken.py", "x = (\n")
    assert errors() == ["app/static/broken.py:1: SyntaxError: '(' was never closed"]


def test_the_start_of_a_worker_reads_a_bounded_amount_and_the_command_all(write, tmp_path, errors):
    write("lambda_main.py", MAIN)
    write("a.py", "#" * (validation.START_BUDGET - 6) + "\n")
    write("b.py", "x = (\n")  # ends at the last byte
    assert errors() == []
    write("a.py", "#" * (validation.START_BUDGET - 7) + "\n")
    assert errors() == ["b.py:1: SyntaxError: '(' was never closed"]
    write("a.py", "#" * validation.START_BUDGET)
    assert errors() == []
    assert validation.inspect(str(tmp_path)).errors == ["b.py:1: SyntaxError: '(' was never closed"]


def test_a_link_that_leads_nowhere_and_a_pipe_are_errors(write, tmp_path, errors):
    write("lambda_main.py", MAIN)
    os.symlink("nowhere", tmp_path / "a.py")
    os.mkfifo(tmp_path / "b.py")
    found = errors()
    assert [each.split(": ")[0] for each in found] == ["a.py:1", "b.py:1"]


def test_a_name_that_a_terminal_would_act_on_is_escaped(write, errors):
    write("lambda_main.py", MAIN)
    write("\x1b[31m\n.py", "x = (\n")
    assert errors() == ["\\x1b[31m\\n.py:1: SyntaxError: '(' was never closed"]


@pytest.mark.parametrize(
    "data, start",
    [
        ("a: 1\nb: [1, 2\n", "lambda_config.yml:3: "),
        ("- 1\n", "lambda_config.yml:1: the file must be a mapping"),
        ("a: 2024-13-01\n", "lambda_config.yml:1: a value cannot be read"),
        ("[" * 5000, "lambda_config.yml:1: is nested too deeply"),
        ("#" * (1024 * 1024 + 1), "lambda_config.yml:1: is larger than 1024 KiB"),
    ],
    ids=["syntax", "a list", "a bad date", "nested", "large"],
)
def test_a_bad_configuration(write, errors, data, start):
    write("lambda_main.py", MAIN)
    write("lambda_config.yml", data)
    (found,) = errors()
    assert found.startswith(start)
