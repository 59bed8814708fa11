"""How long stages take per unit of work: learned from completed tasks, told as the seconds that a task still needs."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from tasks_app.models import StagePace

FRESH_SECONDS = 5.0  # a process reads and writes the paces of a kind no more often than this
NEWEST = 0.1  # what a new sample counts for against all before it, once there are ten

_known: dict[str, tuple[float, dict[str, float]]] = {}
_unwritten: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
_written: dict[str, float] = {}


@dataclass(slots=True)
class _Stage:
    """The stage an attempt is in. `share` is the part of its work that was there to do when the attempt came to it."""

    name: str
    began: float
    units: int
    share: float


class Pace:
    """Times the stages of one attempt and tells from those of earlier tasks what is left."""

    def __init__(self, kind: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._kind, self._clock = kind, clock
        self._units: int | None = None
        self._stage: _Stage | None = None
        self._samples: dict[str, float] = {}

    def weigh(self, units: int) -> None:
        """Says how much work the task is; the stages after this are measured by it."""
        self._units = max(units, 1)

    def enter(self, stage: str, done: int | None, total: int | None) -> None:
        """Begins a stage, of which `done` of `total` was done by an earlier attempt."""
        self._leave()
        share = 1 - (done or 0) / total if total else 1.0
        self._stage = _Stage(stage, self._clock(), self._units or 1, share)

    def eta(self, done: int | None, total: int | None) -> float | None:
        """Seconds to the end of the task; None before it was weighed, and where no such task has ended yet."""
        known = paces(self._kind, self._clock)
        if self._units is None or self._stage is None or self._stage.name not in known:
            return None
        left = 1 - (done or 0) / total if total else 1.0
        later = [pace for stage, pace in known.items() if stage != self._stage.name and stage not in self._samples]
        return round(self._units * (known[self._stage.name] * left + sum(later)), 1)

    def learn(self) -> None:
        """The task is completed: adds its stages to the history. A stage it did not have took no time."""
        self._leave()
        if self._units is None:
            return
        absent = dict.fromkeys(paces(self._kind, self._clock).keys() - self._samples.keys(), 0.0)
        for stage, seconds in (self._samples | absent).items():
            if seconds >= 0:
                _unwritten[self._kind][stage].append(seconds)
        _write(self._kind, self._clock())

    def _leave(self) -> None:
        """A stage whose work was done by an earlier attempt says nothing of how long it takes: -1."""
        if self._stage is not None:
            work = self._stage.units * self._stage.share
            self._samples[self._stage.name] = (self._clock() - self._stage.began) / work if work else -1.0


def paces(kind: str, clock: Callable[[], float] = time.monotonic) -> dict[str, float]:
    """Seconds per unit of each stage of a kind."""
    read, found = _known.get(kind, (0.0, {}))
    if kind not in _known or not 0 <= clock() - read < FRESH_SECONDS:
        found = dict(StagePace.objects.filter(kind=kind).values_list("stage", "seconds_per_unit"))
        _known[kind] = clock(), found
    return found


def forget() -> None:
    """Drops what this process holds."""
    for held in (_known, _unwritten, _written):
        held.clear()


def _write(kind: str, now: float) -> None:
    """Brings the samples of this process into the averages with one statement, not at every task's end."""
    if kind in _written and 0 <= now - _written[kind] < FRESH_SECONDS:
        return
    samples, _written[kind] = _unwritten.pop(kind, {}), now
    before = {row.stage: row for row in StagePace.objects.filter(kind=kind)}
    rows = [_averaged(kind, stage, before.get(stage), samples[stage]) for stage in sorted(samples)]
    StagePace.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["kind", "stage"],
        update_fields=["seconds_per_unit", "samples"],
    )


def _averaged(kind: str, stage: str, before: StagePace | None, new: list[float]) -> StagePace:
    if before is None:
        return StagePace(kind=kind, stage=stage, seconds_per_unit=fmean(new), samples=len(new))
    count = before.samples + len(new)
    weight = max(len(new) / count, 1 - (1 - NEWEST) ** len(new))
    mean = before.seconds_per_unit + (fmean(new) - before.seconds_per_unit) * weight
    return StagePace(kind=kind, stage=stage, seconds_per_unit=mean, samples=count)
