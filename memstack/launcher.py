"""`manage.py up`: everything on one machine, in the foreground.

Checks → lock → socket → migrations → broker, web, worker, dispatcher → `ready http://…` → look after them → stop.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import connection

from memstack import embedded_broker, preflight
from memstack.lifeline import MakeParent
from memstack.migrating import applying
from memstack.migrating.errors import Trouble
from memstack.preflight import Refused
from memstack.supervision import KILL, TERMINATE, Part, Supervisor

Say = Callable[[str], None]
TICK_SECONDS = 0.1
READY_SECONDS = 120.0
DEATHS_BEFORE_GIVING_UP = 3
SECOND_PRESS_AFTER = 0.3  # seconds; one Ctrl-C may arrive twice, from the terminal and from a parent
logger = logging.getLogger(__name__)


class StopSignals:
    """What the person asked for: SIGINT, SIGTERM or SIGHUP stops, a second SIGINT stops at once."""

    def __init__(self) -> None:
        self.urgent = False
        self._asked = False
        self._first = 0.0
        self._make = MakeParent()

    @property
    def asked(self) -> bool:
        return self._asked or self._make.was_interrupted()

    def install(self) -> None:
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if not self._asked:
            self._asked, self._first = True, time.monotonic()
        elif number == signal.SIGINT and time.monotonic() - self._first > SECOND_PRESS_AFTER:
            self.urgent = True


def up(say: Say, *, on_ready: Callable[[str], None] = lambda _url: None) -> None:
    """Runs MemStack until it is asked to stop. Refused when it can't start; `on_ready` gets the address."""
    stop = StopSignals()
    stop.install()
    folder = settings.MEMSTACK_DATA_DIR
    preflight.check_data_folder(folder)
    preflight.check_configuration(say)
    with preflight.only_one(folder), preflight.listen(settings.MEMSTACK_HOST, settings.MEMSTACK_PORT) as listener:
        preflight.check_weights()
        preflight.check_database()
        preflight.allow_many_files()
        if not stop.asked:
            migrate(say)
            _run(listener, say, stop, on_ready)


def _run(listener: socket.socket, say: Say, stop: StopSignals, on_ready: Callable[[str], None]) -> None:
    logs = settings.MEMSTACK_DATA_DIR / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    url = address(settings.MEMSTACK_HOST, listener.getsockname()[1])
    supervisor = Supervisor(logs, say, lambda pids: _note(url, pids))
    try:
        _start(supervisor, listener)
        _wait_until_ready(supervisor, url, stop)
        if not stop.asked:
            say(f"ready {url}")
            on_ready(url)
        while not stop.asked:
            supervisor.tick()
            time.sleep(TICK_SECONDS)
    finally:
        listener.close()
        try:
            supervisor.stop(["web", "worker", "dispatcher"], urgent=lambda: stop.urgent)
            supervisor.stop(["valkey"], urgent=lambda: stop.urgent)
        finally:
            supervisor.kill_all()
            _note_path().unlink(missing_ok=True)


def _start(supervisor: Supervisor, listener: socket.socket) -> None:
    if not settings.REDIS_URL:
        try:
            supervisor.add(embedded_broker.part())
        except embedded_broker.NoBrokerHere as error:
            raise Refused(str(error)) from error
        embedded_broker.wait_until_it_listens()
    for part in (web(listener), worker(), dispatcher()):
        supervisor.add(part)


def web(listener: socket.socket) -> Part:
    """Its streams get three seconds to end; see memstack.web."""
    return Part(
        name="web",
        command=[sys.executable, "-m", "memstack.web", str(listener.fileno())],
        pass_fds=[listener.fileno()],
    )


def worker() -> Part:
    """Ends warm: the tasks at hand are put back, for which there are eight seconds."""
    options = "-Q ingest,graph,media --pool prefork --loglevel WARNING --without-gossip --without-mingle"
    concurrency = ["--concurrency", str(settings.MEMSTACK_WORKERS), "--without-heartbeat"]
    return Part(
        name="worker",
        command=[sys.executable, "-m", "celery", "-q", "-A", "memstack", "worker", *options.split(), *concurrency],
        stopping=((0, TERMINATE), (8, signal.SIGQUIT), (9, KILL)),
        environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ},
    )


def dispatcher() -> Part:
    return Part(name="dispatcher", command=[sys.executable, str(settings.BASE_DIR / "manage.py"), "dispatcher"])


def migrate(say: Say) -> None:
    """Brings the database up to date, or an empty one to life; Refused when it may not or can't."""
    try:
        waiting, is_empty = (0, True) if settings.MEMSTACK_MIGRATE else applying.pending()
        if waiting and not is_empty:
            raise Refused(
                f"{waiting} migrations wait to be applied. Make a back-up, then run `manage.py manage_migrations "
                "apply`; or set MEMSTACK_MIGRATE=on, and every start does it."
            )
        applying.apply(say, step=logger.info)
    except Trouble as trouble:
        raise Refused(str(trouble)) from trouble
    finally:
        connection.close()


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds the server."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _wait_until_ready(supervisor: Supervisor, url: str, stop: StopSignals) -> None:
    """Returns when /readyz answers 200 or a stop was asked for; Refused when the web process can't get there."""
    web_child = supervisor.children["web"]
    deadline = time.monotonic() + READY_SECONDS
    while not stop.asked and (status := _readiness(url)) != http.client.OK:
        supervisor.tick()
        if web_child.deaths_in_a_row >= DEATHS_BEFORE_GIVING_UP:
            raise Refused(f"The web process does not start; {web_child.log} says why.")
        if time.monotonic() > deadline:
            answer = f"its last answer was {status}" if status else "it gave no answer"
            raise Refused(f"{url}/readyz was not ready after {READY_SECONDS:g} s: {answer}; {web_child.log} says why.")
        time.sleep(0.5 if status else 0.05)


def _readiness(url: str) -> int | None:
    """The status of /readyz, None when there is no answer.

    The time limit is short, so that signals are heeded: until the web process accepts, a request waits in the socket.
    """
    client = http.client.HTTPConnection(url.removeprefix("http://"), timeout=1)
    try:
        client.request("GET", "/readyz", headers={"Host": allowed_host()})
        return client.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        client.close()


def allowed_host() -> str:
    """A host name that Django answers to, whatever it is reached by."""
    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"]
    return names[0] if names else "localhost"


def _note_path() -> Path:
    return Path(settings.MEMSTACK_DATA_DIR / "up.json")


def _note(url: str, pids: dict[str, int]) -> None:
    """Writes who runs where, for scripts and for people who look for a process."""
    text = json.dumps({"pid": os.getpid(), "url": url, "processes": pids})
    draft = _note_path().with_suffix(".new")
    with suppress(OSError):  # a full disk must not stop the supervision
        draft.write_text(text, encoding="ascii")
        draft.replace(_note_path())
