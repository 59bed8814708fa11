"""The queue's depth as lines of an SVG, and in words for who does not see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from tasks_app.queries import DepthPoint

WIDTH, HEIGHT = 600, 120
MOST_POINTS = 72
TABLE_ROWS = 12


@dataclass(frozen=True, slots=True)
class Slot:
    """A point of the chart with the place where a pointer finds it."""

    at: datetime
    pending: int | None
    processing: int | None
    x: float
    width: float

    @property
    def left(self) -> float:
        return round(self.x - self.width / 2, 1)


@dataclass(frozen=True, slots=True)
class Chart:
    """`pending` and `processing` are lists of `x,y x,y …`, one for each stretch without a gap; `top` is the highest
    value of the scale, `rows` some of the slots for a table, newest first."""

    hours: int
    slots: list[Slot]
    pending: list[str]
    processing: list[str]
    top: int
    sentence: str

    width, height, middle = WIDTH, HEIGHT, HEIGHT // 2

    @property
    def begin(self) -> datetime:
        return self.slots[0].at

    @property
    def areas(self) -> list[str]:
        """The lines of what waited, closed along the bottom."""
        return [
            f"{line.split(',', 1)[0]},{HEIGHT} {line} {line.rsplit(' ', 1)[-1].split(',', 1)[0]},{HEIGHT}"
            for line in self.pending
        ]

    @property
    def rows(self) -> list[Slot]:
        every = max(len(self.slots) // TABLE_ROWS, 1)
        return self.slots[::-1][::every]


def draw(points: Sequence[DepthPoint], hours: int) -> Chart | None:
    """The chart of the points, thinned to what an eye can tell apart; None when there are less than two."""
    if len(points) < 2:
        return None
    thin = _thinned(points, -(-len(points) // MOST_POINTS))
    step = WIDTH / max(len(thin) - 1, 1)
    slots = [
        Slot(point.at, point.pending, point.processing, round(step * number, 1), round(step, 1))
        for number, point in enumerate(thin)
    ]
    top = _round_up(max((max(slot.pending or 0, slot.processing or 0) for slot in slots), default=0))
    stretches = [list(group) for counted, group in groupby(slots, lambda slot: slot.pending is not None) if counted]
    lines = [[(slot.x, slot.pending or 0, slot.processing or 0) for slot in stretch] for stretch in stretches]
    return Chart(
        hours=hours,
        slots=slots,
        pending=[_line(((x, waiting) for x, waiting, _ in line), top) for line in lines],
        processing=[_line(((x, running) for x, _, running in line), top) for line in lines],
        top=top,
        sentence=_sentence(slots),
    )


def _thinned(points: Sequence[DepthPoint], every: int) -> list[DepthPoint]:
    """One point for `every` of them: the highest numbers among them, at the time of the last."""
    return [_highest(points[first : first + every]) for first in range(0, len(points), every)]


def _highest(points: Sequence[DepthPoint]) -> DepthPoint:
    counted = [(point.pending, point.processing) for point in points if point.pending is not None]
    if not counted:
        return points[-1]
    return DepthPoint(points[-1].at, max(p for p, _ in counted), max(r or 0 for _, r in counted))


def _line(places: Iterable[tuple[float, int]], top: int) -> str:
    return " ".join(f"{x},{HEIGHT - HEIGHT * value / top:.1f}" for x, value in places)


def _round_up(value: int) -> int:
    """A round number that is no less: 4, 6, 8, 10, 20, 40, …"""
    power = int("1" + "0" * (len(str(value)) - 1))
    return max(next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value), 4)


def _sentence(slots: Sequence[Slot]) -> str:
    counted = [slot for slot in slots if slot.pending is not None]
    if not counted:
        return "Nobody counted in this time: no dispatcher was there."
    most = max(slot.pending or 0 for slot in counted)
    running = max(slot.processing or 0 for slot in counted)
    told = f"At most {most:,} waited and {running:,} ran at a time." if most or running else "Nothing waited or ran."
    return told + (" The line is broken where no dispatcher was there to count." if len(counted) < len(slots) else "")
