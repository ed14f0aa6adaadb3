"""Archives that mean harm, or are merely broken: refused with the entry's name, nothing written outside."""

import stat
import zipfile
from pathlib import Path

import pytest

from support import processes
from support.lambdapool import Lambdapool, run

MAIN = b"async def main(request):\n    return {'result': 'ok'}\n"
LINK = (stat.S_IFLNK | 0o777) << 16
DEVICE = (stat.S_IFCHR | 0o666) << 16


def entry(name: str, attributes: int = 0) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = attributes
    return made


@pytest.fixture
def archive(tmp_path):
    """Makes an archive of these entries behind a good lambda_main.py."""

    def make(*entries: tuple[zipfile.ZipInfo | str, bytes], main: bytes | None = MAIN) -> Path:
        file = tmp_path / "packed.zip"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            if main is not None:
                packed.writestr(entry("lambda_main.py"), main)
            for info, data in entries:
                packed.writestr(entry(info) if isinstance(info, str) else info, data)
        return file

    return make


@pytest.fixture
def refused(tmp_path):
    """Serves an archive that cannot be; gives the error. Fails when anything was written elsewhere."""

    def serve(file: Path, *settings: str, within: float = 15.0) -> str:
        place = tmp_path / "deep" / "er" / "unpack"
        place.mkdir(parents=True)
        before = everything_below(tmp_path)
        arguments = [part for one in settings for part in ("--set", one)]
        result = run(
            "serve", file, "--port", "0", "--set", f"lambda.unpack_dir={place}", *arguments, within=within
        )
        assert result.returncode > 0, result
        assert "listening on" not in result.stdout
        assert everything_below(tmp_path) == before
        assert processes.end_orphans(Lambdapool.running) == []
        return result.stderr

    return serve


def everything_below(folder: Path) -> list[str]:
    return sorted(str(one) for one in folder.rglob("*"))


BAD_NAMES = [
    "../outside.py",
    "../../outside.py",
    "folder/../../outside.py",
    "folder/../inside.py",
    "/tmp/lambdapool_outside.py",
    "//tmp/lambdapool_outside.py",
    "..",
    "C:/outside.py",
    "folder\\..\\..\\outside.py",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_outside_is_refused(archive, refused, name):
    error = refused(archive((name, b"harm")))

    assert name in error or repr(name)[1:-1] in error, error
    assert not Path("/tmp/lambdapool_outside.py").exists()


def test_a_link_is_refused(archive, refused):
    error = refused(archive((entry("link.py", LINK), b"/etc/passwd")))

    assert "link.py" in error


def test_a_link_that_a_later_entry_goes_through_is_refused(archive, refused, tmp_path):
    target = tmp_path / "target"
    target.mkdir()

    error = refused(
        archive((entry("door", LINK), str(target).encode()), ("door/harm.py", b"harm"))
    )

    assert "door" in error
    assert list(target.iterdir()) == []


def test_a_device_is_refused(archive, refused):
    assert "odd" in refused(archive((entry("odd", DEVICE), b"")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused(archive, refused):
    assert "twice.py" in refused(archive(("twice.py", b"a = 1\n"), ("twice.py", b"a = 2\n")))


def test_a_file_that_is_also_a_folder_is_refused(archive, refused):
    assert "both" in refused(archive(("both", b""), ("both/inner.py", b"")))


def test_an_encrypted_entry_is_refused(archive, refused):
    file = archive(("secret.py", b"a = 1\n"))
    data = bytearray(file.read_bytes())
    # The first flag of the local header and of the central one.
    local = data.index(b"secret.py") - 30
    central = data.index(b"secret.py", local + 40) - 46
    data[local + 6] |= 1
    data[central + 8] |= 1
    file.write_bytes(data)

    assert "secret.py" in refused(file)


def test_a_bomb_is_refused(archive, refused):
    file = archive(("bomb.bin", b"\0" * (50 << 20)))
    assert file.stat().st_size < 1 << 20

    assert "bomb.bin" in refused(file)


def test_a_bomb_that_lies_about_its_size_is_refused(archive, refused):
    file = archive(("bomb.bin", b"\0" * (50 << 20)))
    data = bytearray(file.read_bytes())
    central = data.rindex(b"bomb.bin") - 46
    data[central + 24 : central + 28] = (100).to_bytes(4, "little")
    file.write_bytes(data)

    assert "bomb.bin" in refused(file)


def test_a_file_over_the_limit_is_refused(archive, refused):
    error = refused(archive(("large.bin", bytes(range(256)) * 8)), "lambda.max_file=2047B")

    assert "large.bin" in error


def test_files_over_the_limit_of_all_are_refused(archive, refused):
    entries = [(f"part{number}.bin", bytes(range(256)) * 4) for number in range(3)]

    refused(archive(*entries), "lambda.max_total=3KiB")


def test_too_many_entries_are_refused(archive, refused):
    entries = [(f"file{number}.py", b"") for number in range(10)]

    assert "10" in refused(archive(*entries), "lambda.max_entries=10")


def test_a_damaged_file_is_refused(archive, refused):
    file = archive(("damaged.py", b"value = 1\n" * 100))
    data = bytearray(file.read_bytes())
    data[data.index(b"damaged.py") + len(b"damaged.py") + 4] ^= 0xFF
    file.write_bytes(data)

    assert "damaged.py" in refused(file)


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.95])
def test_an_archive_that_was_cut_off_is_refused(archive, refused, keep):
    file = archive(("other.py", b"value = 1\n" * 1000))
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * keep)])

    assert "packed.zip" in refused(file)


def test_an_archive_without_a_main_file_is_refused(archive, refused):
    assert "lambda_main.py" in refused(archive(("other.py", b""), main=None))


def test_an_archive_with_its_lambda_in_a_folder_is_refused_with_a_hint(archive, refused):
    error = refused(archive(("my_lambda/lambda_main.py", MAIN), main=None))

    assert "my_lambda" in error


def test_as_much_as_the_limits_allow_is_served(serve, archive):
    entries = [(f"file{number}.bin", bytes(range(256)) * 4) for number in range(9)]

    server = serve(
        archive(*entries),
        settings={"lambda.max_entries": 10, "lambda.max_file": "1KiB", "lambda.max_total": "10KiB"},
    )

    assert server.post().json() == {"result": "ok"}


def test_entries_for_folders_are_taken(serve, archive):
    server = serve(
        archive(("folder/", b""), ("folder/inner.py", b"value = 7\n"), main=b"from folder.inner import value\n"
                b"async def main(request):\n    return {'result': value}\n")
    )

    assert server.post().json() == {"result": 7}


def test_modes_of_the_archive_are_not_kept(serve, archive, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    setuid = (stat.S_IFREG | 0o6777) << 16
    server = serve(archive((entry("tool.sh", setuid), b"#!/bin/sh\n")), settings={"lambda.unpack_dir": place})

    (tool,) = place.rglob("tool.sh")
    assert stat.S_IMODE(tool.stat().st_mode) & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH) == 0
    # Nobody else can look into what was unpacked.
    (folder,) = place.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
    server.stop()
    assert list(place.iterdir()) == []
