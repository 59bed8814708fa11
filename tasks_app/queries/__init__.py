"""Every read of tasks, for pages and API alike."""

from __future__ import annotations

from tasks_app.queries.costs import Cost, cost_of
from tasks_app.queries.depth import DEPTH_HOURS, DepthPoint, depth_now, queue_depth
from tasks_app.queries.figures import Durations, Ended, Figures, figures
from tasks_app.queries.listing import HEAVY, CursorPage, Scope, count, cursor_page, in_full, tasks, uuid_or_none, within
from tasks_app.queries.processes import Process, event_position, event_positions, processes, workers
from tasks_app.queries.timeline import Step, timeline

__all__ = [
    "DEPTH_HOURS", "HEAVY", "Cost", "CursorPage", "DepthPoint", "Durations", "Ended", "Figures", "Process", "Scope",
    "Step", "cost_of", "count", "cursor_page", "depth_now", "event_position", "event_positions", "figures", "in_full",
    "processes", "queue_depth", "tasks", "timeline", "uuid_or_none", "within", "workers",
]  # fmt: skip
