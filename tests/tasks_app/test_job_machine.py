"""A task under any order of what may happen to it: claims, ends, cancels, deaths, zombies that wake up late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from memories.models import Project
from tasks_app import checkpoints, services, transitions
from tasks_app.kinds import Kind
from tasks_app.models import TERMINAL, Status, TaskCheckpoint, TaskEvent, TaskLog
from tasks_app.transitions import LeaseLost, TaskCancelled


@dataclass
class Known:
    """What the test knows of a task: its state, who may write, what was published."""

    status: str = Status.PENDING
    attempt: int = 0
    cancel_asked: bool = False
    deaths: int = 0
    effects: list[int] = field(default_factory=list)
    at_the_end: dict[str, Any] | None = None


class JobMachine(RuleBasedStateMachine):
    tasks = Bundle("tasks")
    attempts = Bundle("attempts")  # the running ones, and all that were overtaken and do not know it

    def __init__(self) -> None:
        super().__init__()
        self.project = Project.objects.create(name="Machine")
        self.known: dict[UUID, Known] = {}

    # --- what may happen
    @rule(target=tasks)
    def enqueue(self) -> UUID:
        task = transitions.enqueue(self.project, Kind.INGEST_EPISODE)
        self.known[task.pk] = Known()
        return task.pk

    @rule(target=attempts, task=tasks)
    def claim(self, task: UUID) -> TaskLog | None:
        TaskLog.objects.filter(pk=task, status=Status.PENDING).update(run_after=None)
        known, claimed = self.known[task], transitions.claim(task, "worker")
        assert (claimed is not None) == (known.status == Status.PENDING)
        if claimed is not None:
            known.status, known.attempt = Status.PROCESSING, known.attempt + 1
            assert claimed.attempt == known.attempt
        return claimed

    @rule(attempt=attempts, percent=st.integers(1, 99))
    def advance(self, attempt: TaskLog | None, percent: int) -> None:
        if attempt is not None:
            progress = max(percent, TaskLog.objects.values_list("progress", flat=True).get(pk=attempt.pk))
            self.write(attempt, lambda: transitions.advance(attempt, progress=progress), wanted=True)

    @rule(attempt=attempts)
    def keep(self, attempt: TaskLog | None) -> None:
        if attempt is not None and self.write(attempt, lambda: transitions.hold(attempt), wanted=True):
            checkpoints.keep(attempt, "stage", attempt.attempt)

    @rule(attempt=attempts)
    def heartbeat(self, attempt: TaskLog | None) -> None:
        if attempt is not None and self.write(attempt, lambda: transitions.renew(attempt)):
            assert transitions.cancel_requested(attempt) == self.known[attempt.pk].cancel_asked

    @rule(attempt=attempts)
    def take_lane(self, attempt: TaskLog | None) -> None:
        if attempt is not None:
            self.write(attempt, lambda: transitions.take_lane(attempt))

    @rule(attempt=attempts)
    def finish(self, attempt: TaskLog | None) -> None:
        if attempt is None:
            return
        known = self.known[attempt.pk]
        effect = lambda: known.effects.append(attempt.attempt)  # noqa: E731 - the effect of this attempt
        if self.write(attempt, lambda: transitions.complete(attempt, {}, effect, "Done"), wanted=True):
            known.status = Status.COMPLETED

    @rule(attempt=attempts)
    def fail(self, attempt: TaskLog | None) -> None:
        if attempt is not None and self.write(attempt, lambda: transitions.fail(attempt, "no", retryable=True)):
            self.known[attempt.pk].status = Status.FAILED

    @rule(attempt=attempts)
    def obey_cancel(self, attempt: TaskLog | None) -> None:
        if attempt is None or not self.known[attempt.pk].cancel_asked:
            return
        if self.write(attempt, lambda: transitions.cancel(attempt)):
            self.known[attempt.pk].status = Status.CANCELLED

    @rule(attempt=attempts, failed=st.booleans(), delay=st.sampled_from([0, 30]))
    def put_back(self, attempt: TaskLog | None, failed: bool, delay: int) -> None:
        if attempt is None:
            return
        if self.write(attempt, lambda: transitions.put_back(attempt, delay, "again", failed=failed), wanted=True):
            self.known[attempt.pk].status = Status.PENDING

    @rule(task=tasks)
    def cancel(self, task: UUID) -> None:
        known = self.known[task]
        assert transitions.request_cancel(TaskLog.objects.get(pk=task)) == (known.status not in TERMINAL)
        if known.status == Status.PENDING:
            known.status = Status.CANCELLED
        elif known.status == Status.PROCESSING:
            known.cancel_asked = True

    @rule()
    def cancel_all_that_waits(self) -> None:
        waiting = [known for known in self.known.values() if known.status == Status.PENDING]
        assert transitions.cancel_waiting(self.project.tasks.all()) == len(waiting)
        for known in waiting:
            known.status = Status.CANCELLED

    @rule(task=tasks, late=st.booleans())
    def expire(self, task: UUID, late: bool) -> None:
        """The lease ran out; or a dispatcher saw it run out, and it was renewed before it acted."""
        known, seen = self.known[task], TaskLog.objects.get(pk=task)
        if not late:
            TaskLog.objects.filter(pk=task, status=Status.PROCESSING).update(lease_until=Now() - timedelta(seconds=1))
        transitions.expire_lease(seen)
        if not late and known.status == Status.PROCESSING:
            known.deaths += 1
            quarantined = Status.FAILED if known.deaths >= transitions.MAX_DEATHS else Status.PENDING
            known.status = Status.CANCELLED if known.cancel_asked else quarantined

    @rule(target=tasks, task=consumes(tasks))
    def retry(self, task: UUID) -> UUID:
        """As an import, since an ingestion without a memory has nothing to do again; a new row, the old one stays."""
        TaskLog.objects.filter(pk=task).update(kind=Kind.IMPORT_MEMORIES)
        known = self.known[task]
        if known.status not in (Status.FAILED, Status.CANCELLED):
            with pytest.raises(services.StateConflict):
                services.retry(TaskLog.objects.get(pk=task))
            return task
        again = services.retry(TaskLog.objects.get(pk=task))
        self.known[again.pk] = Known()
        return again.pk

    def write(self, attempt: TaskLog, act: Callable[[], object], *, wanted: bool = False) -> bool:
        """Does what an attempt may do only as the owner, and if `wanted` only while nobody asked for its end."""
        known = self.known[attempt.pk]
        owner = known.status == Status.PROCESSING and known.attempt == attempt.attempt
        if owner and not (wanted and known.cancel_asked):
            act()
            return True
        with pytest.raises(TaskCancelled if owner else LeaseLost):
            act()
        return False

    # --- what always holds
    @invariant()
    def rows_are_as_known(self) -> None:
        for row in self.project.tasks.all():
            known = self.known[row.pk]
            assert (row.status, row.attempt) == (known.status, known.attempt)
            assert (row.lease_until is not None) == (row.status == Status.PROCESSING)
            assert len(known.effects) == (row.status == Status.COMPLETED)
        assert self.project.tasks.filter(lane="graph").count() <= 1

    @invariant()
    def what_has_ended_does_not_change(self) -> None:
        for values in self.project.tasks.filter(status__in=TERMINAL).values():
            row = {name: value for name, value in values.items() if name != "kind"}  # see `retry`
            known = self.known[values["id"]]
            known.at_the_end = known.at_the_end or row
            assert row == known.at_the_end
        assert not TaskCheckpoint.objects.filter(task__project=self.project, task__status__in=TERMINAL).exists()

    @invariant()
    def events_tell_all_of_it_once(self) -> None:
        events = list(TaskEvent.objects.filter(project=self.project).order_by("project_seq"))
        assert [event.project_seq for event in events] == list(range(1, len(events) + 1))
        for row in self.project.tasks.all():
            own = [event for event in events if event.task_id == row.pk]
            assert [event.seq for event in own] == list(range(1, row.event_seq + 1))
            ends = [event.type for event in own if event.type != "progress"]
            assert ends == ([row.status] if row.status in TERMINAL else [])
            assert own[-1].data["status"] == row.status
            for one, other in pairwise(own):
                same = one.data["attempt"] == other.data["attempt"]
                assert not same or one.data["progress"] <= other.data["progress"]


@pytest.mark.django_db
def test_whatever_happens_a_task_has_one_state_one_owner_and_one_end() -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    effort = settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(JobMachine, settings=effort)
