"""What a file is, told by real files of each kind, and how its letters are written."""

from __future__ import annotations

import io
import wave
import zipfile
from pathlib import Path
from typing import Any

import av
import docx
import numpy as np
import pypdfium2
import pytest

from memories.fetching.charsets import charset_of
from memories.fetching.sniffing import DOCX, media_type_of

TEXT = "Größe, ça va? Ærøskøbing — “quoted” text that goes on for some words so that there is something to look at. "


def _sound(path: Path, codec: str, form: str) -> None:
    with av.open(str(path), "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=48000)
        stream.layout = "mono"
        fifo = av.AudioFifo()
        samples = np.zeros((1, 48000), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 48000
        for ready in av.AudioResampler(stream.format.name, "mono", 48000, 960).resample(frame):
            fifo.write(ready)
        while piece := fifo.read(stream.frame_size or 960, partial=True):
            piece.pts = None
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("codec", "form", "expected"),
    [
        ("libmp3lame", "mp3", "audio/mpeg"),
        ("aac", "ipod", "audio/mp4"),
        ("aac", "mp4", "video/mp4"),
        ("libopus", "ogg", "audio/ogg"),
        ("flac", "flac", "audio/flac"),
        ("pcm_s16le", "wav", "audio/wav"),
    ],
)
def test_recordings(tmp_path: Path, codec: str, form: str, expected: str) -> None:
    path = tmp_path / "recording"
    _sound(path, codec, form)
    for said in ("", "text/html", "application/octet-stream"):
        assert media_type_of(path, said) == expected


def test_an_mp3_without_tags(tmp_path: Path) -> None:
    path = tmp_path / "x"
    _sound(path, "libmp3lame", "mp3")
    data = path.read_bytes()
    path.write_bytes(data[data.index(b"\xff\xfb" if b"\xff\xfb" in data else b"\xff\xf3") :])
    assert media_type_of(path) == "audio/mpeg"


def test_wave_by_the_standard_library(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 100)
    assert media_type_of(path) == "audio/wav"


def test_mp4_that_is_called_sound(tmp_path: Path) -> None:
    path = tmp_path / "x"
    _sound(path, "aac", "mp4")
    assert media_type_of(path, "audio/mp4") == "audio/mp4"
    assert media_type_of(path, "", "talk.M4A") == "audio/mp4"


def test_word_and_other_archives(tmp_path: Path) -> None:
    path = tmp_path / "x"
    document = docx.Document()
    for number in range(300):
        document.add_paragraph(f"{number} {TEXT}")
    document.save(str(path))
    assert media_type_of(path, "application/zip") == DOCX
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "words " * 1000)
    assert media_type_of(path, DOCX, "x.docx") == "application/zip"


def test_pdf(tmp_path: Path) -> None:
    path = tmp_path / "x"
    document = pypdfium2.PdfDocument.new()
    document.new_page(100, 100)
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(buffer.getvalue())
    assert media_type_of(path, "text/html") == "application/pdf"
    path.write_bytes(b"\n\n\0" + buffer.getvalue())
    assert media_type_of(path) == "application/pdf"


@pytest.mark.parametrize(
    ("data", "said", "name", "expected"),
    [
        (b"<!DOCTYPE html><p>x", "", "", "text/html"),
        (b"\xef\xbb\xbf  \n<HTML lang=en>", "text/plain", "", "text/html"),
        (b"<!-- long\ncomment -->\n<html>", "", "", "text/html"),
        (b'<?xml version="1.0"?><!DOCTYPE html><html xmlns="x">', "application/xhtml+xml", "", "text/html"),
        (b'<?xml version="1.0"?>\n<!-- c --><rss version="2.0"><channel>', "text/html", "", "application/rss+xml"),
        (b'<feed xmlns="http://www.w3.org/2005/Atom">', "", "", "application/atom+xml"),
        (b'<?xml version="1.0"?><rdf:RDF xmlns="x">', "text/xml", "", "application/rss+xml"),
        (b'<?xml version="1.0"?><opml version="2.0">', "", "", "application/xml"),
        (b"Some words, 1 < 2.", "text/html", "", "text/plain"),
        (b"Some words <b>and</b> more", "text/html", "", "text/html"),
        (b"# Title\n\nWords", "", "notes.md", "text/markdown"),
        (b"# Title\n\nWords", "text/markdown; charset=utf-8", "", "text/markdown"),
        (b"# Title\n\nWords", "text/plain", "", "text/plain"),
        (b"MZ is where I live", "", "", "text/plain"),
        (b"ID of a person", "", "", "text/plain"),
        (b"the mark %PDF-1.4 is how they begin", "", "", "text/plain"),
        (b"GIF8 is an abbreviation", "", "", "image/gif"),
        ("Words".encode("utf-16"), "", "", "text/plain"),
        ("<html><p>x".encode("utf-16"), "", "", "text/html"),
        (TEXT.encode("latin-1", "replace"), "", "", "text/plain"),
        (b'{"a": 1}', "application/json", "", "application/json"),
        (b"\0\0\0\x18ftypavif", "", "", "image/avif"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 10, "", "x.doc", "application/msword"),
        (bytes(range(256)), "text/plain", "x.txt", "application/octet-stream"),
        (b"", "text/html", "", "text/plain"),
    ],
)
def test_texts_and_others(tmp_path: Path, data: bytes, said: str, name: str, expected: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    assert media_type_of(path, said, name) == expected


@pytest.mark.parametrize(
    ("data", "said", "expected"),
    [
        (TEXT.encode(), "", "utf-8"),
        (b"plain", "", "utf-8"),
        (b"plain", "text/html; charset=ISO-8859-1", "windows-1252"),
        (TEXT.encode("cp1252"), "text/html; charset=iso-8859-1", "windows-1252"),
        (TEXT.encode("cp1252"), "text/html; charset=utf-8", "windows-1252"),
        (TEXT.encode("cp1252"), "", "windows-1252"),
        (b'<meta charset="windows-1251">' + "Привет".encode("cp1251"), "", "windows-1251"),
        (b'<meta http-equiv=x content="text/html; charset=Shift_JIS">' + "日本".encode("shift_jis"), "", "shift_jis"),
        (b'<?xml version="1.0" encoding="koi8-r"?>' + "Привет".encode("koi8-r"), "", "koi8-r"),
        (b'<meta charset="utf-8">' + "日本".encode("euc_jp"), "text/html; charset=EUC-JP", "euc_jp"),
        (b"\xef\xbb\xbfx", "text/html; charset=windows-1252", "utf-8"),
        (b"\xff\xfex\0", "", "utf-16-le"),
        (TEXT.encode()[:1], "text/html; charset=nonsense-8", "utf-8"),
        (TEXT.encode(), "text/html; charset=base64", "utf-8"),
        ("日本語".encode()[:-1], "", "utf-8"),  # cut off in the middle of a letter
    ],
)
def test_charsets(data: bytes, said: str, expected: str) -> None:
    found = charset_of(data, said)
    assert {"cp1252": "windows-1252", "cp1251": "windows-1251"}.get(found, found) == expected
    data.decode(found, "replace")


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("cp1251", "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. "),  # noqa: RUF001
        ("cp1250", "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw, łącznie. "),
        ("cp1252", "Un système de mémoire auto-hébergé : les élèves étaient là, où l’été finissait déjà. "),  # noqa: RUF001
        ("cp1252", "Über den Wolken muss die Freiheit wohl grenzenlos sein, schöne Grüße aus München und Köln. "),
        ("euc_jp", "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"),
    ],
)
def test_charsets_by_their_look(charset: str, text: str) -> None:
    assert (text * 5).encode(charset).decode(charset_of((text * 5).encode(charset))) == text * 5
