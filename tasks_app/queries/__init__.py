"""Every read of tasks, for pages and API alike."""

from __future__ import annotations

from tasks_app.queries.costs import Cost, cost_of
from tasks_app.queries.depth import DEPTH_HOURS, DepthPoint, depth_now, queue_depth
from tasks_app.queries.listing import (
    HEAVY,
    SEARCHED,
    CursorPage,
    Scope,
    count,
    cursor_page,
    in_full,
    search_floor,
    tasks,
    uuid_or_none,
    within,
)
from tasks_app.queries.processes import Process, event_position, event_positions, processes, workers
from tasks_app.queries.timeline import Step, timeline
from tasks_app.queries.vitals import Durations, Ended, Figures, figures

__all__ = [
    "DEPTH_HOURS", "HEAVY", "SEARCHED", "Cost", "CursorPage", "DepthPoint", "Durations", "Ended", "Figures", "Process",
    "Scope", "Step", "cost_of", "count", "cursor_page", "depth_now", "event_position", "event_positions", "figures",
    "in_full", "processes", "queue_depth", "search_floor", "tasks", "timeline", "uuid_or_none", "within", "workers",
]  # fmt: skip
