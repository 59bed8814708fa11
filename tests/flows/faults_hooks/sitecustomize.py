"""Makes the processes of a MemStack stop, die or see another clock at chosen points. Python loads it by its name.

It is of the tests and stands on the PYTHONPATH of the processes that they break. In FAULTS_FOLDER they put a file for
each thing to do:

- `pause-<role>-<point>`: who gets there writes its process id into `at-<role>-<point>` and waits until the file goes;
- `starve-<role>-<point>`: who gets there takes all the memory that it may have;
- `kill-<role>-<point>`: who gets there kills itself.

In the file stands the id of the task or project that it is meant for, or nothing.

FAULTS_CLOCK is `<role>:<seconds>`: what Python's clocks are off by in that role. Roles: web, worker, dispatcher.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(os.environ.get("FAULTS_FOLDER", "/nonexistent"))
WORDS = " ".join(sys.orig_argv)
ROLE = "web" if "memstack.web" in WORDS else "worker" if "celery" in WORDS else "dispatcher"
TAKEN: list[bytearray] = []
TERMINAL = {"completed", "failed", "cancelled"}


def reached(point: str, *ids: object) -> None:
    if wanted(f"kill-{ROLE}-{point}", ids):
        os.kill(os.getpid(), signal.SIGKILL)
    if wanted(f"pause-{ROLE}-{point}", ids):
        draft = FOLDER / f"draft-{os.getpid()}"
        draft.write_text(str(os.getpid()))
        draft.replace(FOLDER / f"at-{ROLE}-{point}")
        while wanted(f"pause-{ROLE}-{point}", ids):
            time.sleep(0.01)
    if wanted(f"starve-{ROLE}-{point}", ids):
        starve()


def wanted(name: str, ids: Sequence[object]) -> bool:
    try:
        meant = (FOLDER / name).read_text()
    except OSError:
        return False
    return not meant or meant in map(str, ids)


def starve() -> None:
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return  # only who was given a limit: the machine is not ours
    size = 1 << 20
    while size >= 64:
        try:
            TAKEN.append(bytearray(size))
        except MemoryError:
            size //= 2


def wrap(module: ModuleType, name: str, *, before: Any = None, after: Any = None) -> None:
    """`before(arguments, keywords)` and `after(result, keywords)` give points, each with the ids that it is about."""
    inner: Callable[..., Any] = getattr(module, name)

    def outer(*arguments: Any, **keywords: Any) -> Any:
        for point, *ids in before(arguments, keywords) if before else ():
            reached(point, *ids)
        result = inner(*arguments, **keywords)
        for point, *ids in after(result, keywords) if after else ():
            reached(point, *ids)
        return result

    setattr(module, name, outer)


def of(task: Any) -> tuple[object, object]:
    return task.pk, task.project_id


def in_transitions(module: ModuleType) -> None:
    wrap(module, "claim", after=lambda task, _: [("claimed", *of(task))] if task else [])
    wrap(module, "advance", after=lambda task, said: [(said["stage"], *of(task))] if "stage" in said else [])
    wrap(
        module,
        "complete",
        before=lambda given, _: [("completing", *of(given[0]))],
        after=lambda task, _: [("completed", *of(task))],
    )


def in_events(module: ModuleType) -> None:
    """`publishing` is inside of the transaction that ends the task; `poke` after its commit, before anybody is told."""

    def ends(tasks: Sequence[Any]) -> list[Any]:
        return [task for task in tasks if task.status in TERMINAL]

    wrap(module, "record_many", before=lambda given, _: [("publishing", *of(task)) for task in ends(given[0])])
    wrap(
        module,
        "poke",
        before=lambda given, _: [
            ("poke", event.task_id, event.project_id) for event in given[0] if event.type in TERMINAL
        ],
    )


def in_doorbell(module: ModuleType) -> None:
    wrap(module, "ring", before=lambda given, _: [("ring", task_id) for _, task_id in given[0]])


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "tasks_app.transitions": in_transitions,
    "tasks_app.events": in_events,
    "tasks_app.doorbell": in_doorbell,
}


class Finder(importlib.abc.MetaPathFinder):
    """Lets a hook change its module as soon as it has been run."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(fullname, path) if fullname in HOOKS else None
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                HOOKS[fullname](module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def shift_clocks(seconds: float) -> None:
    """time.time, time_ns and datetime.now of the process; the database keeps its own clock."""
    import datetime

    real, real_time, real_ns = datetime.datetime, time.time, time.time_ns
    shift = datetime.timedelta(seconds=seconds)

    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, real)

    class Shifted(real, metaclass=Meta):  # type: ignore[misc, valid-type]
        def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
            return real(*arguments, **keywords)  # C code wants the type itself

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.now(tz) + shift

        @classmethod
        def utcnow(cls) -> Any:
            return real.now(datetime.UTC).replace(tzinfo=None) + shift

    time.time = lambda: real_time() + seconds
    time.time_ns = lambda: real_ns() + int(seconds * 1_000_000_000)
    datetime.datetime = Shifted  # type: ignore[misc]


sys.meta_path.insert(0, Finder())
role, _, offset = os.environ.get("FAULTS_CLOCK", "").partition(":")
if role == ROLE and offset:
    shift_clocks(float(offset))
