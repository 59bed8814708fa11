"""`manage.py up` as a person meets it: it starts, stays up, says what is wrong, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.stack import PATIENCE, ROOT, Stack, clean_environment, processes_of, wait_for

pytestmark = pytest.mark.flow
PARTS = {"supervisor", "web", "worker", "dispatcher", "valkey"}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One MemStack for the whole file; each test leaves it running."""
    with Stack(folder=tmp_path_factory.mktemp("up")) as running:
        yield running


def ask(up: Stack, path: str) -> httpx.Response:
    """Also of a web process that has just been started again; the connection waits for it."""
    return httpx.get(f"{up.url}/{path}", timeout=PATIENCE)


def nothing_runs_on(folder: Path) -> Callable[[], bool | None]:
    return lambda: None if processes_of(folder) else True


def refusal(**environment: str) -> subprocess.CompletedProcess[str]:
    """What `up` says when it does not start."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "up"],
        env=clean_environment() | {"MEMSTACK_PORT": "0"} | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def assert_sentence(answer: subprocess.CompletedProcess[str], *words: str) -> None:
    assert answer.returncode == 1, answer
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert all(word in answer.stderr for word in words), answer.stderr


def test_it_says_ready_once_and_is(up: Stack) -> None:
    printed = up.printed().splitlines()
    assert [line for line in printed if line.startswith("ready")] == [f"ready {up.url}"]
    assert ask(up, "healthz").json() == {"status": "ok"}
    assert set(up.processes) == PARTS


def test_readyz_tells_of_each_part(up: Stack) -> None:
    def all_well() -> dict[str, dict[str, object]] | None:
        answer = ask(up, "readyz")
        assert answer.status_code == 200
        return answer.json() if answer.json()["status"] == "ok" else None

    states = wait_for(all_well, PATIENCE)
    assert {name for name in states if name != "status"} == {
        "database", "migrations", "broker", "worker", "dispatcher",
    }  # fmt: skip


def test_files_are_for_their_owner_alone(up: Stack) -> None:
    modes = {path: mode(path) for path in up.folder.rglob("*") if path.is_file() and path.name != "up.out"}
    assert modes
    assert [path for path, bits in modes.items() if bits & 0o077] == []


def mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError:  # a draft of a file, or a journal of the database, lives for a moment
        return 0


@pytest.mark.parametrize("name", ["web", "worker", "dispatcher", "valkey"])
def test_a_killed_part_is_started_again(up: Stack, name: str) -> None:
    old = up.send(name, signal.SIGKILL)
    new = up.wait_until_restarted(name, old)
    assert new != old
    assert f"{name} ended unexpectedly (killed by SIGKILL)" in up.printed()
    assert str(up.folder / "logs" / f"{name}.log") in up.printed()


def test_no_connection_is_refused_while_the_web_process_is_away(up: Stack) -> None:
    old = up.send("web", signal.SIGKILL)
    assert ask(up, "healthz").status_code == 200
    assert up.wait_until_restarted("web", old)


def test_a_broker_that_cannot_read_its_files_begins_anew(up: Stack) -> None:
    old = up.processes["valkey"]
    for file in (up.folder / "valkey" / "appendonlydir").glob("*.aof"):
        file.write_bytes(b"this is no append-only file\n" * 40)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: "valkey begins anew" in up.printed() or None, PATIENCE, up.printed)
    wait_for(lambda: ask(up, "readyz").json()["broker"]["ok"] or None, PATIENCE)


def test_a_second_one_on_the_same_folder_is_refused(up: Stack) -> None:
    answer = refusal(MEMSTACK_DATA_DIR=str(up.folder))
    assert_sentence(answer, "already runs", f"process {up.processes['supervisor']}", "MEMSTACK_DATA_DIR")


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        answer = refusal(MEMSTACK_DATA_DIR=str(tmp_path), MEMSTACK_PORT=port)
    assert_sentence(answer, f"Port {port}", "in use", "MEMSTACK_PORT")


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    answer = refusal(MEMSTACK_DATA_DIR="/sys/kernel", SECRET_KEY="x" * 50)
    assert_sentence(answer, "/sys/kernel can't be written to", "MEMSTACK_DATA_DIR")


def test_a_database_that_does_not_answer_is_refused(tmp_path: Path) -> None:
    answer = refusal(MEMSTACK_DATA_DIR=str(tmp_path), DATABASE_URL="postgres://user:hidden@127.0.0.1:9/none")
    assert_sentence(answer, "database", "DATABASE_URL")
    assert "hidden" not in answer.stderr


def test_sigterm_leaves_no_process_and_a_second_start_keeps_the_data(up: Stack) -> None:
    secret = (up.folder / "secret_key").read_text()
    assert up.stop() == 0
    assert processes_of(up.folder) == []
    assert not (up.folder / "up.json").exists()
    up.start()
    assert (up.folder / "secret_key").read_text() == secret
    assert up.manage("shell", "-v0", "-c", COUNT_KEYS).stdout.strip() == "1"
    assert "Bringing the database" not in up.printed()


def test_a_closed_pipe_does_not_stop_it(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    environment = clean_environment() | {"MEMSTACK_DATA_DIR": str(tmp_path), "MEMSTACK_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "up"], env=environment, stdout=writer, stderr=writer
    ) as process:
        os.close(writer)
        os.close(reader)
        try:
            wait_for(lambda: True if (tmp_path / "up.json").exists() else None, PATIENCE)
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_to_make_alone_stops_all(tmp_path: Path, number: signal.Signals) -> None:
    """make keeps a SIGINT to itself."""
    (tmp_path / "Makefile").write_text(f"up:\n\t@exec {sys.executable} {ROOT}/manage.py up\n")
    folder = tmp_path / "data"
    environment = clean_environment() | {"MEMSTACK_DATA_DIR": str(folder), "MEMSTACK_PORT": "0"}
    with subprocess.Popen(["make", "-C", str(tmp_path), "up"], env=environment, stdout=subprocess.DEVNULL) as make:
        wait_for(lambda: (folder / "up.json").exists() or None, PATIENCE)
        make.send_signal(number)
        make.wait(40)
    wait_for(nothing_runs_on(folder), 20, lambda: "\n".join(processes_of(folder)))


def test_sigkill_of_the_supervisor_leaves_no_process(up: Stack) -> None:
    up.pool()
    up.send("supervisor", signal.SIGKILL)
    wait_for(nothing_runs_on(up.folder), 20, lambda: "\n".join(processes_of(up.folder)))
    up.stop()
    up.start()


COUNT_KEYS = "from memories.models import ApiKey; print(ApiKey.objects.count())"
