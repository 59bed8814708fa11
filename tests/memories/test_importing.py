"""What an import reads, from good files and from bad ones: text in, findings out."""

from __future__ import annotations

import io
import json
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from memories.importing import archives, sources, texts
from memories.importing.refusals import ImportRefused
from memories.importing.sources import Found


def found(name: str, data: bytes) -> list[Found]:
    return list(sources.read_all([(name, io.BytesIO(data))]))


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return packed.getvalue()


# --- lines and arrays


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("form", ["%s\r\n%s", "[%s, %s]"])
def test_a_byte_order_mark_tells_the_encoding(form: str, encoding: str) -> None:
    text = form % ('{"content": "Zoë 😀"}', '{"content": "two"}')
    values = [one.value for one in found("m.jsonl", text.encode(encoding))]
    assert values == [{"content": "Zoë 😀"}, {"content": "two"}]


def test_lines_keep_their_numbers_and_bad_ones_say_why() -> None:
    lines = [
        b'{"content": "one"}',
        b"",
        b"{nonsense",
        '{"content": "Zoë"}'.encode("latin-1"),
        b"[" * 100_000,
        b"7" * 5000,
    ]
    told = [(one.line, one.error or one.value) for one in found("m.jsonl", b"\n".join(lines))]
    assert [line for line, _ in told] == [1, 3, 4, 5, 6]
    assert told[0][1] == {"content": "one"}
    for (_, error), words in zip(
        told[1:], ["not JSON", "not UTF-8 (byte 16)", "nested", "too many digits"], strict=True
    ):
        assert words in error


def test_a_line_that_is_too_long_is_skipped_and_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_VALUE", 1000)
    told = found("m.jsonl", b'{"content": "one"}\n' + b"x" * 500_000 + b'\n{"content": "three"}')
    assert [(one.line, one.value) for one in told] == [(1, {"content": "one"}), (2, None), (3, {"content": "three"})]
    assert "more than 1,000 bytes" in told[1].error


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"content": "one"}, ', "not JSON"),
        ('[{"content": "one"} {"content": "two"}]', "not JSON"),
        ("[1,]", "not JSON"),
        ("[1] more", "something follows"),
        ("[" * 100_000, "nested"),
        (f"[{'7' * 5000}]", "too many digits"),
    ],
)
def test_a_broken_array_is_refused_whole(text: str, words: str) -> None:
    with pytest.raises(ImportRefused, match=words):
        found("m.json", text.encode())


def test_an_array_in_latin_1_is_refused_whole() -> None:
    with pytest.raises(ImportRefused, match="not UTF-8"):
        found("m.json", '["Zoë"]'.encode("latin-1"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_an_array_is_the_same_in_whatever_pieces_it_comes(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "CHUNK", size)
    values = [12, -3.5e2, 'a, ] \\ " é😀\ud800', {"k": [1, {"x": None}]}, [], {}, True]
    text = json.dumps(values, ensure_ascii=True, indent=1) + " \n"
    assert [one.value for one in found("m.json", text.encode())] == values


def test_an_array_is_read_value_by_value() -> None:
    data = ("[" + ",".join(json.dumps({"content": f"{n} " * 50}) for n in range(50_000)) + "]").encode()
    file = io.BytesIO(data)
    tracemalloc.start()
    count = sum(1 for _ in sources.read("m.json", file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 50_000
    assert len(data) > 10_000_000
    assert peak < 2_000_000


def test_an_object_over_many_lines_is_one_memory_or_a_list_of_them() -> None:
    one = json.dumps({"content": "one"}, indent=2).encode()
    many = json.dumps({"memories": [{"content": "one"}, {"content": "two"}]}, indent=2).encode()
    assert [row.value for row in found("m.json", one)] == [{"content": "one"}]
    assert [row.value["content"] for row in found("m.json", many)] == ["one", "two"]


def test_more_lines_than_anybody_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_LINES", 10)
    assert found("m.jsonl", b"\n" * 10) == []
    with pytest.raises(ImportRefused, match="more than 10 lines"):
        found("m.jsonl", b"\n" * 11)
    with pytest.raises(ImportRefused, match="more than 10 values"):
        found("m.json", b"[" + b"1," * 10 + b"1]")


# --- files


def test_a_text_is_one_memory_named_after_its_file() -> None:
    (one,) = found("notes/May.md", "Zoë\r\nmoved.".encode("utf-16"))
    assert one.value == {"content": "Zoë\nmoved.", "title": "May.md", "metadata": {"file": "notes/May.md"}}
    assert one.line is None


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", b"\xff\x00", "not UTF-8"),
        ("a.pdf", b"%PDF-1.7", "not taken"),
        ("a.html", b"<p>Ada</p>", "not taken"),
        ("noname", b"Ada", "not taken"),
        ("a.jsonl", b"\xff\xfe\x00\xd8\x00\xd8", "is not"),
    ],
)
def test_a_file_that_is_not_taken_says_why(name: str, data: bytes, words: str) -> None:
    (one,) = found(name, data)
    assert words in one.error
    assert one.line is None


def test_without_an_ending_the_content_tells() -> None:
    assert [one.value for one in found("upload", b' {"content": "one"}')] == [{"content": "one"}]
    assert [one.value["title"] for one in found("upload", zipped(("a.txt", b"Ada")))] == ["a.txt"]


def test_of_several_files_each_finding_names_its_own() -> None:
    files: list[tuple[str, IO[bytes]]] = [
        ("a.jsonl", io.BytesIO(b'{"content": "one"}\nno')),
        ("b.zip", io.BytesIO(zipped(("in/c.txt", b"three"), ("d.exe", b"MZ")))),
    ]
    told = [(one.file, one.line, bool(one.error)) for one in sources.read_all(files)]
    assert told == [
        ("a.jsonl", 1, False),
        ("a.jsonl", 2, True),
        ("b.zip/in/c.txt", None, False),
        ("b.zip/d.exe", None, True),
    ]


def test_a_folder_is_read_in_order_without_links_and_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/two.txt").write_text("two")
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / ".hidden").write_text("no")
    (tmp_path / "passwords.txt").symlink_to("/etc/passwd")
    (tmp_path / "loop").symlink_to(tmp_path)
    told = [(one.file, one.error[:9] or one.value["content"]) for one in sources.read_folder(tmp_path)]
    assert told == [("a.txt", "one"), ("passwords.txt", "This is a"), ("b/two.txt", "two")]


def test_names_are_shown_without_what_no_text_may_have() -> None:
    assert sources.shown("a\x00b\n\udcff\u202egpj.txt") == "a\ufffdb\ufffd\ufffd\ufffdgpj.txt"
    assert sources.shown("Réunion à 10\u202fh 👩\u200d💻.txt") == "Réunion à 10\u202fh 👩\u200d💻.txt"
    assert len(sources.shown("x" * 1000)) == 300


# --- archives


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def encrypted() -> bytes:
    data = bytearray(zipped(("a.txt", b"Ada")))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(zipped(("a.txt", b"Ada Lovelace"), method=zipfile.ZIP_STORED))
    data[data.index(b"Ada")] = 0x42
    return bytes(data)


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (lambda: zipped(("../a.txt", b"Ada")), "leads out"),
        (lambda: zipped(("in/../../a.txt", b"Ada")), "leads out"),
        (lambda: zipped((entry("/etc/a.txt"), b"Ada")), "leads out"),
        (lambda: zipped(("..\\a.txt", b"Ada")), "leads out"),
        (lambda: zipped(("C:/a.txt", b"Ada")), "leads out"),
        (lambda: zipped((entry("a.txt", stat.S_IFLNK | 0o777), b"/etc/passwd")), "link"),
        (lambda: zipped(("a.zip", zipped(("b.txt", b"Ada")))), "inside an archive"),
        (lambda: zipped(("a", zipped(("b.txt", b"Ada")))), "inside an archive"),
        (lambda: zipped(("a.txt", b"Ada"), method=zipfile.ZIP_LZMA), "plain zip"),
        (encrypted, "encrypted"),
        (damaged, "damaged"),
    ],
)
def test_an_entry_that_is_not_taken_says_why(archive: Callable[[], bytes], words: str) -> None:
    (one,) = found("m.zip", archive())
    assert words in one.error
    assert one.value is None


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"no zip", zipped(("a.txt", b"Ada"))[:-30]], ids=["empty", "begun", "text", "cut off"]
)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(ImportRefused, match="damaged"):
        found("m.zip", data)


def test_what_file_managers_leave_is_passed_over() -> None:
    data = zipped(("__MACOSX/._a.txt", b"\x00"), ("in/.DS_Store", b"\x00"), ("in/", b""), ("in/a.txt", b"Ada"))
    assert [one.value["content"] for one in found("m.zip", data)] == ["Ada"]


def test_a_bomb_is_stopped_by_what_comes_out_of_it(settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 2**20
    data = zipped(*[(f"{n}.jsonl", b" " * 2**20) for n in range(20)])
    assert len(data) < 50_000
    with pytest.raises(ImportRefused, match="more than 4 MB") as refused:
        found("m.zip", data)
    assert refused.value.too_large


def test_a_bomb_that_says_it_is_small_is_stopped_too(settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 2**20
    real = b"\x20" * (16 * 2**20)
    data = bytearray(zipped(("a.jsonl", real)))
    for mark, place in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):  # checksum, packed and unpacked size
        at = data.index(mark) + place
        packed = struct.unpack_from("<I", data, at + 4)[0]
        struct.pack_into("<III", data, at, zlib.crc32(real[:10]), packed, 10)
    told = found("m.zip", bytes(data))
    assert sum(len(str(one.value)) for one in told) < 100  # zipfile gives no more than the ten bytes it was told of


def test_an_archive_of_a_million_entries_is_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImportRefused, match="more than 20,000 files"):
        found("m.zip", zipped(*[(f"{n}.txt", b"") for n in range(20_001)], method=zipfile.ZIP_STORED))
    monkeypatch.setattr(archives, "MAX_DIRECTORY", 1000)
    with pytest.raises(ImportRefused, match="more than 20,000 files"):
        found("m.zip", zipped(*[(f"{n}.txt", b"") for n in range(30)]))
