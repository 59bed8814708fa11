"""The parts of `up` that need no processes."""

from __future__ import annotations

import os
import signal
import socket
from collections import namedtuple
from pathlib import Path

import pytest
from pytest_django import Settings

from memstack import demo, launcher, preflight
from memstack.preflight import Refused

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104
        ("::", "http://[::1]:8000"),
        ("memory.example", "http://memory.example:8000"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(host: str, url: str) -> None:
    assert launcher.address(host, 8000) == url


@pytest.mark.parametrize(
    ("names", "host"), [(["memory.example"], "memory.example"), ([".example"], "example"), (["*"], "localhost")]
)
def test_readiness_is_asked_under_a_name_that_is_allowed(settings: Settings, names: list[str], host: str) -> None:
    settings.ALLOWED_HOSTS = names
    assert launcher.allowed_host() == host


def test_a_nearly_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(0, 0, 5 * 1024**2))
    with pytest.raises(Refused, match="5 MB free and MemStack needs 200"):
        preflight.check_data_folder(tmp_path)


def test_missing_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSTACK_EMBEDDING_DIR", str(tmp_path))
    with pytest.raises(Refused, match="MEMSTACK_EMBEDDING_DIR"):
        preflight.check_weights()


def test_an_error_of_the_configuration_is_refused(settings: Settings) -> None:
    settings.MEMSTACK_WORKERS = 0
    with pytest.raises(Refused, match=r"MEMSTACK_WORKERS is 0.*memstack\.E007"):
        preflight.check_configuration(print)


def test_a_port_that_is_let_go_soon_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    other = socket.create_server(("127.0.0.1", 0))
    port = other.getsockname()[1]
    monkeypatch.setattr("time.sleep", lambda _: other.close())
    with preflight.listen("127.0.0.1", port) as listener:
        assert listener.getsockname()[1] == port


def test_a_host_of_another_machine_is_refused() -> None:
    with pytest.raises(Refused, match=r"can't listen on 192\.0\.2\.1"):
        preflight.listen("192.0.2.1", 8000)


def test_a_host_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Refused, match=r"can't listen on no\.such\.host\.invalid"):
        preflight.listen("no.such.host.invalid", 8000)


def test_a_second_ctrl_c_is_urgent_but_an_echo_of_the_first_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stop = launcher.StopSignals()
    assert not stop.asked
    stop._handle(signal.SIGINT, None)
    stop._handle(signal.SIGINT, None)
    assert (stop.asked, stop.urgent) == (True, False)
    now[0] += 1
    stop._handle(signal.SIGTERM, None)
    assert not stop.urgent
    stop._handle(signal.SIGINT, None)
    assert stop.urgent


def test_the_samples_are_memories() -> None:
    conversation, text = demo.samples()
    assert len(conversation.messages) == 20
    assert len({message.speaker for message in conversation.messages}) == 2
    assert len(text.content.split()) > 250


@pytest.mark.parametrize(("host", "is_admin"), [("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)])  # noqa: S104
@pytest.mark.django_db
def test_the_demo_user_is_an_admin_on_a_machine_of_its_own_only(settings: Settings, host: str, is_admin: bool) -> None:
    settings.MEMSTACK_HOST = host
    assert demo.make_user("a password").is_superuser is is_admin


@pytest.mark.django_db
def test_the_demo_user_is_no_admin_in_production(settings: Settings) -> None:
    settings.PRODUCTION = True
    assert not demo.make_user("a password").is_staff


def test_a_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "demo_login"
    demo.write_secret(path, "one")
    demo.write_secret(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_uid == os.getuid()
