"""`lambdapool validate`, `new` and `pack`, and starting a lambda from Python."""

import hashlib
import os
import subprocess
import sys
import zipfile

import pytest

from luna_lambda_tools.private import tools
from luna_lambda_tools.private.archive import Limits, unpack

MAIN = "async def main(request):\n    return {}\n"
HANDLER = (
    "from luna_lambda_tools import LambdaUserHandler\n" + MAIN + "class H(LambdaUserHandler):\n"
    "    route = '/h/<x>'\n    async def get(self, x): pass\n    async def post(self, x): pass\nROUTES_TO_ADD = [H]\n"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with the folder `mine`, a valid lambda."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "lambda_main.py").write_text(MAIN)
    return tmp_path / "mine"


@pytest.fixture
def tool(capsys):
    def run(*arguments):
        status = tools.main([str(each) for each in arguments])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def zipped(path, **files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return path


# ---------------------------------------------------------------------- usage


@pytest.mark.parametrize("arguments", [(), ("destroy",), ("validate",), ("new",), ("pack",), ("validate", "a", "b"), ("pack", "a", "--fast")])
def test_a_wrong_command_line_is_status_2_and_says_so(tool, arguments):
    status, out, err = tool(*arguments)
    assert (status, out) == (2, "")
    assert err


@pytest.mark.parametrize("command", ["validate", "new", "pack"])
def test_help_is_status_0(tool, command):
    status, out, err = tool(command, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: lambdapool {command}")


# ---------------------------------------------------------------------- validate


def test_a_valid_folder_is_one_line_with_type_and_routes(tool, folder):
    (folder / "lambda_main.py").write_text(HANDLER)
    assert tool("validate", "mine") == (0, "mine: valid standalone lambda; routes: POST /main, GET|POST /h/<x:str>\n", "")


def test_errors_are_one_a_line_on_standard_output(tool, folder):
    (folder / "lambda_main.py").write_text("def main(): pass\nUserCtx = 1\n")
    status, out, err = tool("validate", "mine")
    assert (status, err) == (1, "")
    assert [line.split(": ")[0] for line in out.splitlines()] == ["lambda_main.py:1", "lambda_main.py:1", "lambda_main.py:2"]


def test_notes_are_on_standard_error(tool, folder):
    (folder / "lambda_main.py").write_text(HANDLER.replace("ROUTES_TO_ADD = [H]\n", ""))
    status, out, err = tool("validate", "mine")
    assert (status, out) == (0, "mine: valid standalone lambda; routes: POST /main\n")
    assert err == "note: lambda_main.py:4: H is not in ROUTES_TO_ADD and is ignored; add it there\n"


def test_a_handlers_lambda_is_valid(tool, folder):
    (folder / "lambda_main.py").write_text(
        "from luna_lambda_tools import HandlersLambdaRequest\nasync def main(request: HandlersLambdaRequest): pass\n"
    )
    status, out, err = tool("validate", "mine")
    assert (status, out, err) == (0, "mine: valid handlers lambda; routes: POST /main\n", "")


def test_an_archive_is_validated_and_nothing_is_left(tool, folder, tmp_path, monkeypatch):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    zipped(tmp_path / "good.zip", lambda_main__py=MAIN)
    zipped(tmp_path / "bad.zip", lambda_main__py="\ndef main(r): pass\n")
    assert tool("validate", "good.zip") == (0, "good.zip: valid standalone lambda; routes: POST /main\n", "")
    status, out, err = tool("validate", "bad.zip")
    assert (status, err) == (1, "")
    assert out == 'lambda_main.py:2: main is not asynchronous; write "async def main"\n'
    assert list(temporary.iterdir()) == []


def test_an_archive_that_is_none_is_an_error_line(tool, folder, tmp_path):
    (tmp_path / "bad.zip").write_text("not a zip")
    status, out, err = tool("validate", "bad.zip")
    assert (status, err) == (1, "")
    assert out.startswith("bad.zip:1: is not a zip archive")


def test_a_path_that_is_not_there_is_status_2(tool, folder):
    status, out, err = tool("validate", "nothing")
    assert (status, out) == (2, "")
    assert err == "lambdapool validate: nothing does not exist; give a lambda's folder or zip archive\n"


# ---------------------------------------------------------------------- new


def test_new_makes_a_valid_lambda_and_names_its_files(tool, folder):
    status, out, err = tool("new", "greeter")
    assert (status, err) == (0, "")
    names = ["README.md", "lambda_config.yml", "lambda_main.py", "test_lambda_main.py"]
    assert out.splitlines() == [f"greeter/{name}" for name in names]
    assert sorted(os.listdir("greeter")) == names
    assert tool("validate", "greeter") == (0, "greeter: valid standalone lambda; routes: POST /main, GET /greetings\n", "")


@pytest.mark.parametrize("type_, count", [("standalone", 4), ("handlers", 2), ("tasks", 3)])
def test_the_new_lambdas_own_test_passes_from_any_folder(tool, folder, tmp_path, type_, count):
    from conftest import PYLIB

    assert tool("new", 'odd "name" {}', "--type", type_)[0] == 0
    environment = {**os.environ, "PYTHONPATH": str(PYLIB), "PYTHONDONTWRITEBYTECODE": "1"}
    for where, target in ((tmp_path, 'odd "name" {}'), (tmp_path / 'odd "name" {}', ".")):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", target],
            cwd=where, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{count} passed" in done.stdout


def test_the_new_lambda_is_served_and_does_what_its_readme_says(tool, folder, tmp_path):
    from fake_channel import HostedLambda

    async def drive(channel):
        assert (await channel.ask(body={"name": "Ann"})).json == {"result": "Hello, Ann!"}
        assert (await channel.ask("GET", b"/greetings")).json == {"greeted": 1}
        answer = await channel.ask(body={})
        assert (answer.status, answer.detail) == (400, 'the request has no name; send {"name": "..."}')

    tool("new", "greeter")
    assert HostedLambda(tmp_path / "greeter").run(drive).readiness == ("standalone", "asyncio")


def test_a_new_tasks_lambda_is_valid_and_does_what_its_readme_says(tool, folder, tmp_path):
    from fake_channel import HostedLambda

    readme = []

    async def drive(channel):
        call = {"task_id": 1, "account_id": None, "content": {"names": ["Ann", ""]}}
        contents = (await channel.ask("TASK", b"split", call)).json
        done, failed = [
            await channel.ask("TASK", b"execute", {**call, "sub_task_id": number, "content": content})
            for number, content in enumerate(contents)
        ]
        assert f'{{"sub_task_id":0,"result":{done.body.decode()}}}' in readme[0]
        assert f'"error_code":{failed.code},"desc":"{failed.desc}","detail":"{failed.detail}"' in readme[0]
        assert (await channel.ask("GET", b"/greetings")).json == {"greeted": 1}

    assert tool("new", "greeter", "--type", "tasks")[0] == 0
    readme.append((tmp_path / "greeter" / "README.md").read_text())
    assert tool("validate", "greeter") == (0, "greeter: valid tasks lambda; routes: POST /main, GET /greetings\n", "")
    assert HostedLambda(tmp_path / "greeter").run(drive).readiness == ("tasks", "asyncio")


def test_a_new_handlers_lambda_is_valid_and_does_what_its_readme_says(tool, folder, tmp_path):
    from fake_channel import HostedLambda

    readme = []

    async def drive(channel):
        answer = await channel.ask(body={"aggregate_attributes": 0, "sources": [{"filename": "a.jpg"}]})
        assert f"# {answer.body.decode()}\n" in readme[0]
        assert (await channel.ask("GET", b"/events")).json == {"events": 1}
        many = await channel.ask(body={"aggregate_attributes": 0, "sources": [{}] * 11})
        assert (many.status, many.detail) == (400, "the request has more sources than this lambda takes")

    assert tool("new", "eventful", "--type", "handlers")[0] == 0
    readme.append((tmp_path / "eventful" / "README.md").read_text())
    assert tool("validate", "eventful") == (0, "eventful: valid handlers lambda; routes: POST /main, GET /events\n", "")
    assert HostedLambda(tmp_path / "eventful").run(drive).readiness == ("handlers", "asyncio")


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.write_text("mine")])
def test_new_overwrites_nothing(tool, folder, tmp_path, make):
    make(tmp_path / "there")
    assert tool("new", "there") == (1, "", "lambdapool new: there exists; choose another name or remove it\n")
    assert tool("new", "no/../my_lambda") == (
        1, "", "lambdapool new: there is no folder no/.. to make it in; make that first\n"
    )  # fmt: skip
    assert not (tmp_path / "there").is_dir() or list((tmp_path / "there").iterdir()) == []


def test_a_type_without_a_template_is_said_to_be_missing(tool, folder, tmp_path):
    status, out, err = tool("new", "x", "--type", "agent")
    assert (status, out) == (2, "")
    assert err == "lambdapool new: --type agent: there is no such type; there are: handlers, standalone, tasks\n"
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/..", "/", "a\nb", "no/such/folder"])
def test_a_name_that_makes_no_folder(tool, folder, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    status, out, err = tool("new", name)
    assert (status in (1, 2), out) == (True, "")
    assert err.startswith("lambdapool new: ")
    assert sorted(tmp_path.rglob("*")) == before


# ---------------------------------------------------------------------- pack


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {each.filename: archive.read(each) for each in archive.infolist()}


def test_pack_says_what_it_wrote_and_serve_can_unpack_it(tool, folder, tmp_path):
    (folder / "part").mkdir()
    (folder / "part" / "a.py").write_text("x = 1\n")
    status, out, err = tool("pack", "mine")
    data = (tmp_path / "mine.zip").read_bytes()
    assert (status, err) == (0, "")
    assert out.splitlines()[1] == f"wrote mine.zip: 2 files, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}"
    assert contents("mine.zip") == {"lambda_main.py": MAIN.encode(), "part/a.py": b"x = 1\n"}
    unpack("mine.zip", str(tmp_path / "unpacked"), Limits())
    assert (tmp_path / "unpacked" / "lambda_main.py").read_text() == MAIN


def test_the_same_files_give_the_same_bytes(tool, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for name in ("z.txt", "a.txt", "lambda_main.py"):  # other order, times and modes
        (other / name).write_text(MAIN if name == "lambda_main.py" else name)
        os.utime(other / name, (0, 0))
        (other / name).chmod(0o700)
    for name in ("a.txt", "z.txt"):
        (folder / name).write_text(name)
    for name, output in (("mine", "1.zip"), ("mine", "2.zip"), ("other", "3.zip")):
        assert tool("pack", name, "-o", output)[0] == 0
    first = (tmp_path / "1.zip").read_bytes()
    assert first == (tmp_path / "2.zip").read_bytes() == (tmp_path / "3.zip").read_bytes()
    assert list(contents("1.zip")) == ["a.txt", "lambda_main.py", "z.txt"]


def test_caches_version_control_and_environments_stay_outside(tool, folder):
    for name in (
        "__pycache__/a.pyc", "part/__pycache__/b.pyc", "c.pyc", "d.pyo", ".git/config", ".hg/x", ".svn/x", ".venv/x",
        "venv/x", "env/pyvenv.cfg", "env/lib/x.py", ".idea/x", ".vscode/x", ".pytest_cache/x", "e.py~", ".f.py.swp",
        ".DS_Store",
        "._lambda_main.py",
        "__MACOSX/._part.py",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    kept = ["lambda_config.yml", "static/a.css", "test_lambda_main.py", "tests/test_more.py", ".hidden"]
    for name in kept:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    assert tool("pack", "mine")[0] == 0
    assert sorted(contents("mine.zip")) == sorted([*kept, "lambda_main.py"])


def test_an_archive_made_within_the_lambda_is_put_beside_it(tool, folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert tool("pack", ".")[0] == 0
    first = (folder.parent / "mine.zip").read_bytes()
    assert tool("pack", ".")[0] == 0
    assert (folder.parent / "mine.zip").read_bytes() == first
    assert sorted(path.name for path in folder.iterdir()) == ["lambda_main.py"]


def test_the_archive_is_not_packed_into_itself(tool, folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert tool("pack", ".", "-o", "mine.zip")[0] == 0
    first = (folder / "mine.zip").read_bytes()
    assert tool("pack", ".", "-o", "mine.zip")[0] == 0
    assert (folder / "mine.zip").read_bytes() == first


def test_an_invalid_lambda_is_not_packed(tool, folder, tmp_path):
    (folder / "lambda_main.py").write_text("def main(r): pass\n")
    status, out, err = tool("pack", "mine")
    assert (status, err) == (1, "")
    assert out == 'lambda_main.py:1: main is not asynchronous; write "async def main"\n'
    assert not (tmp_path / "mine.zip").exists()


def test_links_and_pipes_are_refused(tool, folder, tmp_path):
    os.symlink("/etc/passwd", folder / "link")
    os.symlink("/etc", folder / "folder_link")
    os.mkfifo(folder / "pipe")
    status, _, err = tool("pack", "mine")
    assert status == 1
    assert "link is a link; put the file itself there" in err
    assert "folder_link is a link" in err
    assert "pipe is neither a file nor a folder" in err
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_what_shrinks_to_nearly_nothing_is_stored_and_can_be_unpacked(tool, folder, tmp_path):
    (folder / "zeros").write_bytes(bytes(3 << 20))
    assert tool("pack", "mine")[0] == 0
    unpack("mine.zip", str(tmp_path / "unpacked"), Limits())
    assert (tmp_path / "unpacked" / "zeros").stat().st_size == 3 << 20


def test_a_file_beyond_the_limit_is_refused_before_anything_is_written(tool, folder, tmp_path):
    with open(folder / "large", "wb") as file:
        file.truncate(Limits().max_file + 1)
    status, _, err = tool("pack", "mine")
    assert (status, err) == (1, "lambdapool pack: large is larger than the 64 MiB that a lambda's file may have\n")
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", [b"bad\xff.txt", b"back\\slash.txt"])
def test_a_name_that_no_archive_may_have_is_refused(tool, folder, tmp_path, name):
    with open(os.path.join(os.fsencode(folder), name), "wb"):
        pass
    status, _, err = tool("pack", "mine")
    assert status == 1
    assert "bad" in err or "back" in err
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("output, text", [("mine", "is a folder"), ("mine/lambda_main.py", "is no zip archive")])
def test_only_an_archive_is_replaced(tool, folder, output, text):
    status, _, err = tool("pack", "mine", "-o", output)
    assert status == 2
    assert text in err
    assert (folder / "lambda_main.py").read_text() == MAIN


@pytest.mark.parametrize("path, text", [("nothing", "does not exist"), ("mine/lambda_main.py", "is not a folder")])
def test_pack_needs_a_folder(tool, folder, path, text):
    status, _, err = tool("pack", path)
    assert status == 2
    assert text in err


def test_an_output_that_cannot_be_written(tool, folder):
    status, _, err = tool("pack", "mine", "-o", "no/such/folder/a.zip")
    assert status == 1
    assert "no/such/folder/a.zip cannot be written (No such file or directory)" in err


# ---------------------------------------------------------------------- run and run_debug


@pytest.fixture
def start(folder):
    """Runs a script in the lambda's folder, as `python run.py` does, with a program that tells its arguments."""
    from conftest import PYLIB

    program = folder.parent / "bin" / "lambdapool"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho \"$@\" in \"$PWD\" as $$\nexit 7\n")
    program.chmod(0o755)

    def run(script, **environment):
        process = subprocess.Popen(
            [sys.executable, "-B", "-c", script],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={"PYTHONPATH": str(PYLIB), "PATH": "/usr/bin:/bin", **environment},
        )  # fmt: skip
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err, process.pid

    run.program = str(program)
    return run


RUN = "from luna_lambda_tools.public.run import run; run(lambdaType='standalone')"
DEBUG = "from luna_lambda_tools.public.run_debug import run; run('standalone')"


@pytest.mark.parametrize("where", ["LAMBDAPOOL", "PATH"])
def test_run_becomes_lambdapool_serving_the_current_folder(start, folder, where):
    value = start.program if where == "LAMBDAPOOL" else f"{os.path.dirname(start.program)}:/usr/bin:/bin"
    status, out, err, pid = start(RUN, **{where: value})
    assert (status, out, err) == (7, f"serve . in {folder} as {pid}\n", "")


def test_run_debug_logs_all_it_can(start):
    _, out, _, _ = start(DEBUG, LAMBDAPOOL=start.program)
    assert out.startswith("serve . --workers 1 --log-level debug in ")


def test_run_without_lambdapool_says_what_to_do(start):
    status, out, err, _ = start(RUN)
    assert (status, out) == (1, "")
    assert err == (
        "lambdapool is not installed: it is not on PATH; install it or set LAMBDAPOOL to the path of the program\n"
    )


def test_a_variable_that_names_no_program_is_told(start, folder):
    _, _, err, _ = start(RUN, LAMBDAPOOL=str(folder / "lambda_main.py"))
    assert err == f"LAMBDAPOOL is {folder}/lambda_main.py, which is no program; set it to the path of lambdapool\n"


def test_run_outside_of_a_lambda_says_so(start, folder):
    (folder / "lambda_main.py").unlink()
    _, _, err, _ = start(RUN, LAMBDAPOOL=start.program)
    assert err == f"there is no lambda_main.py in {folder}; start this in the lambda's folder\n"


def test_run_with_a_type_that_is_not_served_says_so(start):
    _, _, err, _ = start(RUN.replace("standalone", "agent"), LAMBDAPOOL=start.program)
    assert err == "lambdaType='agent' is not supported; this version of lambdapool serves: standalone, handlers, tasks\n"


def test_run_on_a_lambda_of_another_type_says_so(start, folder):
    (folder / "lambda_main.py").write_text(
        "from luna_lambda_tools import HandlersLambdaRequest\nasync def main(r: HandlersLambdaRequest): pass\n"
    )
    _, _, err, _ = start(RUN, LAMBDAPOOL=start.program)
    assert err == "lambda_main.py is a handlers lambda, not a standalone one; write run(lambdaType='handlers')\n"
