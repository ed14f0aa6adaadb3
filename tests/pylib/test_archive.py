"""The zip of a lambda: what is unpacked, what is refused, and that nothing is left of what is refused."""

from __future__ import annotations

import io
import os
import signal
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

PYLIB = Path(__file__).resolve().parents[2] / "pylib"
if str(PYLIB) not in sys.path:
    sys.path.insert(0, str(PYLIB))

from luna_lambda_tools.private import archive as archive_module  # noqa: E402
from luna_lambda_tools.private.archive import ArchiveError, Limits, main, unpack  # noqa: E402

MIB = 1 << 20


def entry(name: str, mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("placeholder")
    # Past the constructor, which would clean the name.
    info.filename = info.orig_filename = name
    info.external_attr = mode << 16
    info.create_system = 3
    info.compress_type = method
    return info


def zipped(*entries: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as file:
        for info, data in entries:
            file.writestr(info if isinstance(info, zipfile.ZipInfo) else entry(info), data)
    return memory.getvalue()


def patched(raw: bytes, signature: bytes, offset: int, form: str, value: int) -> bytes:
    """`raw` with one field of its first record of that signature changed."""
    at = raw.index(signature) + offset
    return raw[:at] + struct.pack(form, value) + raw[at + struct.calcsize(form) :]


LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


class Place:
    """A folder to unpack in, whose only contents should be the archive and, after success, `out`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.archive = root / "bad.zip"
        self.out = root / "out"

    def unpack(self, raw: bytes, limits: Limits = Limits()) -> Path:
        self.archive.write_bytes(raw)
        unpack(str(self.archive), str(self.out), limits)
        assert sorted(os.listdir(self.root)) == ["bad.zip", "out"]
        return self.out

    def refused(self, raw: bytes, limits: Limits = Limits()) -> list[str]:
        self.archive.write_bytes(raw)
        with pytest.raises(ArchiveError) as caught:
            unpack(str(self.archive), str(self.out), limits)
        assert os.listdir(self.root) == ["bad.zip"]
        assert all("\n" not in line and line.startswith("bad.zip: ") for line in caught.value.lines)
        return caught.value.lines


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "place"
    root.mkdir()
    return Place(root)


def test_files_are_unpacked_byte_for_byte(place: Place) -> None:
    noise = os.urandom(3 * MIB)
    contents = {"lambda_main.py": b"async def main(): ...\n", "a/b/c.bin": noise, "empty": b"", "zeros": bytes(MIB)}
    out = place.unpack(zipped(*contents.items()))
    found = {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert found == contents


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_both_usual_methods_are_read(place: Place, method: int) -> None:
    out = place.unpack(zipped((entry("x", method=method), b"text" * 1000)))
    assert (out / "x").read_bytes() == b"text" * 1000


def test_a_streamed_archive_with_data_descriptors_is_unpacked(place: Place) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file:  # type: ignore[call-overload]
        file.writestr("one", b"1" * 5000)
        file.writestr("two", b"2")
    assert bytes(pipe.data).count(b"PK\x07\x08") == 2
    out = place.unpack(bytes(pipe.data))
    assert (out / "one").read_bytes() == b"1" * 5000 and (out / "two").read_bytes() == b"2"


def test_a_zip64_archive_is_unpacked(place: Place) -> None:
    raw = zipped(("x", b"text"))
    end_at = raw.index(END)
    count, length, offset = struct.unpack_from("<HLL", raw, end_at + 10)
    end_64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end_at, 1)
    end = struct.pack("<4s4H2LH", END, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    out = place.unpack(raw[:end_at] + end_64 + locator + end)
    assert (out / "x").read_bytes() == b"text"


def test_zip64_and_plain_end_that_disagree_are_refused(place: Place) -> None:
    raw = zipped(("x", b"text"))
    end_at = raw.index(END)
    length, offset = struct.unpack_from("<LL", raw, end_at + 12)
    end_64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, length, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end_at, 1)
    end = struct.pack("<4s4H2LH", END, 0, 0, 7, 7, length, offset, 0)
    assert "contradict" in place.refused(raw[:end_at] + end_64 + locator + end)[0]


def test_an_archive_with_a_comment_is_unpacked(place: Place) -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        file.writestr("x", b"1")
        file.comment = b"made by hand"
    assert (place.unpack(memory.getvalue()) / "x").read_bytes() == b"1"


def test_utf8_names_are_kept(place: Place) -> None:
    out = place.unpack(zipped(("модуль/имя ✓.py", b"1")))
    assert (out / "модуль" / "имя ✓.py").read_bytes() == b"1"


def test_utf8_names_without_the_utf8_flag_are_kept(place: Place) -> None:
    raw = zipped(("модуль.py", b"1"))
    raw = patched(patched(raw, LOCAL, 6, "<H", 0), CENTRAL, 8, "<H", 0)
    assert os.listdir(place.unpack(raw)) == ["модуль.py"]


def test_modes_are_ours_whatever_the_archive_and_the_umask_say(place: Place) -> None:
    raw = zipped((entry("d/", stat.S_IFDIR | 0o7777), b""), (entry("d/f", stat.S_IFREG | 0o6777), b"1"), ("e/f", b""))
    before = os.umask(0o077)
    try:
        out = place.unpack(raw)
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((out / name).stat().st_mode) for name in ("", "d", "d/f", "e", "e/f")}
    assert modes == {"": 0o700, "d": 0o755, "d/f": 0o644, "e": 0o755, "e/f": 0o644}


def test_dot_and_doubled_slashes_in_names_are_normalised(place: Place) -> None:
    out = place.unpack(zipped(("./", b""), ("./a//b/./c", b"1")))
    assert (out / "a" / "b" / "c").read_bytes() == b"1"


def test_an_empty_folder_is_made(place: Place) -> None:
    assert (place.unpack(zipped(("empty/", b""))) / "empty").is_dir()


@pytest.mark.parametrize(
    "name, words",
    [
        ("../x", ".."),
        ("a/../../x", ".."),
        ("a/..", ".."),
        ("a/../b", ".."),
        ("/etc/x", "absolute"),
        ("//x", "absolute"),
        ("C:/x", "absolute"),
        ("c:x", "absolute"),
        ("a\\b", "backslash"),
        ("..\\x", "backslash"),
        ("x\0.py", "control character"),
        ("x\n.py", "control character"),
        ("x\x7f", "control character"),
        ("\x1b[31m", "control character"),
        (".", "no name"),
        ("a" * 256, "255 bytes"),
        ("я" * 128, "255 bytes"),
        ("/".join(["a"] * 101), "folders deep"),
        ("/".join(["b" * 250] * 17), "4096 bytes"),
    ],
)
def test_a_dangerous_name_is_refused(place: Place, name: str, words: str) -> None:
    lines = place.refused(zipped(("lambda_main.py", b"1"), (name, b"evil")))
    assert len(lines) == 1 and words in lines[0] and lines[0].startswith("bad.zip: entry '") and ";" in lines[0]
    assert lines[0].isprintable()


def test_an_entry_without_a_name_is_refused(place: Place) -> None:
    assert "no name" in place.refused(zipped(("", b"evil")))[0]


def test_the_longest_allowed_names_are_unpacked(place: Place) -> None:
    component = "a" * 255
    deep = "/".join(["d"] * 100)
    out = place.unpack(zipped((component, b"1"), ("я" * 127 + "z", b"2"), (deep, b"3")))
    assert (out / component).read_bytes() == b"1" and (out / deep).read_bytes() == b"3"


def test_a_path_that_does_not_fit_below_the_folder_is_refused(place: Place) -> None:
    lines = place.refused(zipped(("/".join(["b" * 254] * 16), b"")))
    assert "path too long" in lines[0]


@pytest.mark.parametrize(
    "mode, words",
    [
        (stat.S_IFLNK | 0o777, "symbolic link"),
        (stat.S_IFIFO | 0o666, "device, pipe or socket"),
        (stat.S_IFCHR | 0o666, "device, pipe or socket"),
        (stat.S_IFBLK | 0o666, "device, pipe or socket"),
        (stat.S_IFSOCK | 0o666, "device, pipe or socket"),
        (stat.S_IFDIR | 0o755, "folder by its name or by its mode"),
    ],
)
def test_links_and_special_files_are_refused(place: Place, mode: int, words: str) -> None:
    lines = place.refused(zipped((entry("x", mode), b"/etc/passwd")))
    assert lines[0].startswith("bad.zip: entry 'x': ") and words in lines[0]


def test_a_link_followed_by_a_file_through_it_writes_nothing_outside(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    place.refused(zipped((entry("x", stat.S_IFLNK | 0o777), str(outside).encode()), ("x/evil", b"evil")))
    assert os.listdir(outside) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("first, second", [("x", "x"), ("a/x", "a//x"), ("x", "./x"), ("d/", "d//")])
def test_duplicates_are_refused(place: Place, first: str, second: str) -> None:
    lines = place.refused(zipped((first, b""), (second, b"")))
    assert len(lines) == 1 and "more than once" in lines[0]


@pytest.mark.parametrize("names", [("x", "x/y"), ("x/y", "x"), ("a/b/c", "a/b")])
def test_a_file_that_is_also_a_folder_is_refused(place: Place, names: tuple[str, str]) -> None:
    assert any("a file and a folder" in line for line in place.refused(zipped((names[0], b"1"), (names[1], b"2"))))


def test_a_folder_with_contents_is_refused(place: Place) -> None:
    assert "folder with contents" in place.refused(zipped((entry("d/"), b"data")))[0]


@pytest.mark.parametrize("flag", [0x1, 0x40, 0x2000])
def test_an_encrypted_entry_is_refused(place: Place, flag: int) -> None:
    raw = zipped(("x", b"1"))
    assert "encrypted" in place.refused(patched(raw, CENTRAL, 8, "<H", flag))[0]


def test_an_entry_encrypted_only_by_its_own_header_is_refused(place: Place) -> None:
    raw = zipped(("x", b"1"))
    assert "another way" in place.refused(patched(raw, LOCAL, 6, "<H", 1))[0]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_method_is_refused(place: Place, method: int) -> None:
    assert "method" in place.refused(zipped((entry("x", method=method), b"1" * 100)))[0]


def test_another_name_before_the_data_is_refused(place: Place) -> None:
    raw = zipped(("good.py", b"1"))
    assert "another name" in place.refused(raw.replace(b"good.py", b"evil.py", 1))[0]


def test_another_size_before_the_data_is_refused(place: Place) -> None:
    assert "another size" in place.refused(patched(zipped(("x", b"12345")), LOCAL, 22, "<L", 4))[0]


def test_all_bad_names_are_told_at_once(place: Place) -> None:
    lines = place.refused(zipped(("../a", b""), ("good", b""), ("/b", b""), ("c\\d", b"")))
    assert [line.split("'")[1] for line in lines] == ["../a", "/b", "c\\d"]


@pytest.mark.parametrize("count, lines", [(20, 20), (21, 21), (57, 21)])
def test_at_most_20_lines_are_told_and_the_others_counted(place: Place, count: int, lines: int) -> None:
    told = place.refused(zipped(*((f"../{i}", b"") for i in range(count))))
    assert len(told) == lines
    assert told[-1].endswith(f"and {count - 20} more") == (count > 20)


def test_names_are_checked_before_the_first_byte_is_written(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*arguments: object) -> None:
        raise AssertionError("written before all names were checked")

    monkeypatch.setattr(archive_module, "_write_all", forbidden)
    place.refused(zipped(("good", b"1"), ("../evil", b"")))


# --- limits ---


def test_max_entries_is_the_most(place: Place) -> None:
    raw = zipped(*((f"f{i}", b"") for i in range(5)))
    assert len(os.listdir(place.unpack(raw, Limits(max_entries=5)))) == 5


def test_more_than_max_entries_is_refused(place: Place) -> None:
    raw = zipped(*((f"f{i}", b"") for i in range(6)))
    assert "max_entries" in place.refused(raw, Limits(max_entries=5))[0]


def test_implied_folders_count_as_entries(place: Place) -> None:
    raw = zipped(("a/b/c/d", b""))
    assert "max_entries" in place.refused(raw, Limits(max_entries=3))[0]
    place.unpack(raw, Limits(max_entries=4))


def test_max_file_is_the_most(place: Place) -> None:
    assert (place.unpack(zipped(("x", b"1" * 100)), Limits(max_file=100)) / "x").stat().st_size == 100


def test_more_than_max_file_is_refused(place: Place) -> None:
    assert "max_file" in place.refused(zipped(("x", b"1" * 101)), Limits(max_file=100))[0]


def test_max_total_is_the_most(place: Place) -> None:
    place.unpack(zipped(("x", b"1" * 60), ("y", b"1" * 40)), Limits(max_total=100))


def test_more_than_max_total_is_refused(place: Place) -> None:
    assert "max_total" in place.refused(zipped(("x", b"1" * 60), ("y", b"1" * 41)), Limits(max_total=100))[0]


def test_the_ratio_counts_only_beyond_one_mebibyte(place: Place) -> None:
    raw = zipped(("x", bytes(MIB)))
    place.unpack(raw, Limits(max_ratio=2))


def test_a_ratio_over_the_limit_is_refused(place: Place) -> None:
    assert "max_ratio" in place.refused(zipped(("x", bytes(MIB + 1))), Limits(max_ratio=200))[0]


def test_the_ratio_limit_itself_is_allowed(place: Place) -> None:
    raw = zipped(("x", bytes(2 * MIB)))
    packed = zipfile.ZipFile(io.BytesIO(raw)).infolist()[0].compress_size
    ratio = -(-2 * MIB // packed)
    assert "max_ratio" in place.refused(raw, Limits(max_ratio=ratio - 1))[0]
    place.unpack(raw, Limits(max_ratio=ratio))


def test_an_archive_file_far_beyond_max_total_is_refused_unread(place: Place) -> None:
    assert "max_total" in place.refused(bytes(3 * MIB) + zipped(("x", b"")), Limits(max_total=MIB, max_entries=1))[0]


def lying(data: bytes, declared: int, crc: int) -> bytes:
    """A deflated entry of `data` whose headers declare another size and checksum."""
    raw = zipped(("x", data))
    for signature, crc_at, size_at in ((LOCAL, 14, 22), (CENTRAL, 16, 24)):
        raw = patched(patched(raw, signature, crc_at, "<L", crc), signature, size_at, "<L", declared)
    return raw


def test_more_data_than_declared_are_refused_even_with_the_checksum_of_the_beginning(place: Place) -> None:
    assert "holds more than" in place.refused(lying(bytes(50 * MIB), 10, zlib.crc32(bytes(10))))[0]


def test_fewer_data_than_declared_are_refused(place: Place) -> None:
    assert "declares 6" in place.refused(lying(b"12345", 6, zlib.crc32(b"12345")))[0]


def test_a_wrong_checksum_is_refused(place: Place) -> None:
    assert "wrong checksum" in place.refused(lying(b"12345", 5, 1))[0]


def test_a_wrong_checksum_of_a_stored_entry_is_refused(place: Place) -> None:
    raw = zipped((entry("x", method=zipfile.ZIP_STORED), b"content"))
    assert "wrong checksum" in place.refused(raw.replace(b"content", b"c0ntent", 1))[0]


def test_damaged_deflate_data_are_refused(place: Place) -> None:
    raw = bytearray(zipped(("x", os.urandom(1000))))
    raw[31] = 0xFF
    assert "damaged" in place.refused(bytes(raw))[0]


def test_bytes_after_the_deflate_stream_are_refused(place: Place) -> None:
    memory = io.BytesIO()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = packer.compress(b"hello") + packer.flush() + b"hidden"
    with zipfile.ZipFile(memory, "w") as file:
        file.writestr(entry("x", method=zipfile.ZIP_STORED), stream)
    raw = memory.getvalue()
    for signature, method_at, crc_at, size_at in ((LOCAL, 8, 14, 22), (CENTRAL, 10, 16, 24)):
        raw = patched(raw, signature, method_at, "<H", 8)
        raw = patched(patched(raw, signature, crc_at, "<L", zlib.crc32(b"hello")), signature, size_at, "<L", 5)
    assert "follow" in place.refused(raw)[0]


# --- the file as a whole ---


def test_overlapping_entries_are_refused(place: Place) -> None:
    raw = zipped(("x", b"1" * 1000), ("y", b"2"))
    second = raw.index(CENTRAL, raw.index(CENTRAL) + 1)
    # The name before the data has to agree, so the second entry gets the first one's name in another spelling.
    raw = raw[: second + 42] + struct.pack("<L", 0) + raw[second + 46 :]
    lines = place.refused(raw)
    assert lines and all("entry 'y'" in line for line in lines)


def test_entries_that_share_bytes_of_a_quoted_header_are_refused(place: Place) -> None:
    inner = zipped((entry("b", method=zipfile.ZIP_STORED), b"kernel"))
    inner_local = inner[: inner.index(CENTRAL)]
    raw = zipped((entry("a", method=zipfile.ZIP_STORED), inner_local))
    end_at, central_at = raw.index(END), raw.index(CENTRAL)
    second = bytearray(inner[inner.index(CENTRAL) : inner.index(END)])
    second[42:46] = struct.pack("<L", raw.index(inner_local))
    end = bytearray(raw[end_at:])
    end[8:16] = struct.pack("<HHL", 2, 2, end_at - central_at + len(second))
    assert "shares bytes" in place.refused(raw[:end_at] + bytes(second) + bytes(end))[0]


def test_bytes_before_the_archive_are_refused(place: Place) -> None:
    assert "before its first entry" in place.refused(b"#!/bin/sh\n" + zipped(("x", b"1")))[0]


def test_bytes_before_an_archive_whose_offsets_know_them_are_refused(place: Place) -> None:
    memory = io.BytesIO(b"#!/bin/sh\n")
    with zipfile.ZipFile(memory, "a") as file:
        file.writestr("x", b"1")
    assert "before its first entry" in place.refused(memory.getvalue())[0]


def test_bytes_after_the_archive_are_refused(place: Place) -> None:
    assert "3 bytes after its end" in place.refused(zipped(("x", b"1")) + b"abc")[0]


def test_an_archive_cut_anywhere_is_refused(place: Place) -> None:
    raw = zipped(("x", b"123"), ("y/z", b"4"))
    for length in range(1, len(raw)):
        assert place.refused(raw[:length])


def test_a_changed_byte_never_does_anything_but_unpack_or_be_refused(place: Place) -> None:
    raw = zipped((entry("x", method=zipfile.ZIP_STORED), b"123"), ("y/z", b"4" * 50))
    for at in range(len(raw)):
        for flip in (0x01, 0x80, 0xFF):
            changed = raw[:at] + bytes([raw[at] ^ flip]) + raw[at + 1 :]
            place.archive.write_bytes(changed)
            out = place.root / f"out-{at}-{flip}"
            try:
                unpack(str(place.archive), str(out), Limits())
            except ArchiveError:
                assert not out.exists()
    assert all(name == "bad.zip" or name.startswith("out-") for name in os.listdir(place.root))


def test_an_empty_file_is_refused(place: Place) -> None:
    assert place.refused(b"")[0].startswith("bad.zip: is empty")


def test_an_archive_without_entries_is_refused(place: Place) -> None:
    assert "holds no entries" in place.refused(zipped())[0]


def test_what_is_no_zip_is_refused(place: Place) -> None:
    assert "is not a zip archive" in place.refused(b"async def main(request): ...\n" * 100)[0]


def test_a_wrong_count_of_entries_is_refused(place: Place) -> None:
    raw = patched(zipped(("x", b"1"), ("y", b"1")), END, 8, "<H", 1)
    assert "damaged" in place.refused(patched(raw, END, 10, "<H", 1))[0]


def test_a_missing_archive_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as caught:
        unpack(str(tmp_path / "no.zip"), str(tmp_path / "out"), Limits())
    assert caught.value.lines == [
        "no.zip: cannot be opened (No such file or directory); check the path and its permissions"
    ]


def test_a_folder_or_a_pipe_instead_of_an_archive_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ArchiveError) as caught:
            unpack(str(path), str(tmp_path / "out"), Limits())
        assert len(caught.value.lines) == 1


def test_an_existing_folder_is_left_alone(place: Place) -> None:
    place.out.mkdir()
    place.archive.write_bytes(zipped(("x", b"1")))
    with pytest.raises(ArchiveError, match="exists"):
        unpack(str(place.archive), str(place.out), Limits())
    assert sorted(os.listdir(place.root)) == ["bad.zip", "out"] and os.listdir(place.out) == []


def test_a_missing_parent_is_told(place: Place) -> None:
    place.archive.write_bytes(zipped(("x", b"1")))
    with pytest.raises(ArchiveError, match="No such file"):
        unpack(str(place.archive), str(place.root / "no" / "out"), Limits())


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_while_writing_leaves_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    write = os.write
    calls = []

    def failing(descriptor: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) == 3:
            raise fault
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", failing)
    place.archive.write_bytes(zipped(*((f"d/f{i}", b"1") for i in range(5))))
    with pytest.raises((ArchiveError, KeyboardInterrupt)) as caught:
        unpack(str(place.archive), str(place.out), Limits())
    monkeypatch.undo()
    if isinstance(fault, OSError):
        assert "No space left on device" in str(caught.value)
    assert os.listdir(place.root) == ["bad.zip"]


def test_a_short_write_is_continued(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    assert (place.unpack(zipped(("x", b"0123456789" * 10))) / "x").read_bytes() == b"0123456789" * 10


def test_a_large_archive_is_unpacked_in_bounded_memory(place: Place) -> None:
    data = os.urandom(MIB) * 60
    place.archive.write_bytes(zipped(*((entry(f"x{i}", method=zipfile.ZIP_STORED), data) for i in range(2))))
    script = (
        "import sys\n"
        "from luna_lambda_tools.private.archive import main\n"
        "code = main(sys.argv[1:])\n"
        # Not getrusage: its maximum is that of the process that forked this one.
        "print(*[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')])\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(place.archive), str(place.out)],
        env={**os.environ, "PYTHONPATH": str(PYLIB)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert 0 < int(done.stdout) < 128 * 1024


# --- main ---


def test_main_unpacks_and_says_nothing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.archive.write_bytes(zipped(("x", b"1")))
    arguments = ["max_entries=10000", "max_total=268435456", "max_file=67108864", "max_ratio=200"]
    assert main([str(place.archive), str(place.out), *arguments]) == 0
    assert (place.out / "x").read_bytes() == b"1" and capsys.readouterr() == ("", "")


def test_main_tells_one_line_for_each_fault(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.archive.write_bytes(zipped(("../a", b""), ("/b", b"")))
    assert main([str(place.archive), str(place.out)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_main_applies_its_limits(place: Place) -> None:
    place.archive.write_bytes(zipped(("x", b"12")))
    assert main([str(place.archive), str(place.out), "max_file=1"]) == 1
    assert main([str(place.archive), str(place.out), "max_file=2"]) == 0


@pytest.mark.parametrize(
    "arguments",
    [[], ["a.zip"], ["a.zip", "out", "max_files=1"], ["a.zip", "out", "max_file=x"], ["a.zip", "out", "max_file=0"]],
)
def test_main_tells_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_main_ended_by_sigterm_leaves_nothing(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def terminated(descriptor: int, data: bytes) -> int:
        signal.raise_signal(signal.SIGTERM)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", terminated)
    place.archive.write_bytes(zipped(("x", b"1")))
    before = signal.getsignal(signal.SIGTERM)
    assert main([str(place.archive), str(place.out)]) == 1
    monkeypatch.undo()
    assert "interrupted" in capsys.readouterr().err
    assert os.listdir(place.root) == ["bad.zip"] and signal.getsignal(signal.SIGTERM) == before


def test_the_module_runs_as_a_program(place: Place) -> None:
    place.archive.write_bytes(zipped(("x", b"1")))
    done = subprocess.run(
        [sys.executable, "-m", "luna_lambda_tools.private.archive", str(place.archive), str(place.out)],
        env={**os.environ, "PYTHONPATH": str(PYLIB)},
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert (place.out / "x").exists()
