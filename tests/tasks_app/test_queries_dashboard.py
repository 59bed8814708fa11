"""The dashboard's numbers: what they say, what the dispatcher writes down for them, and how many queries they take."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.dashboard_rows import fill
from memories import services
from memories.models import Project
from tasks_app import bookkeeping, chart, filters, payloads, queries, transitions
from tasks_app.kinds import Kind
from tasks_app.models import CostMark, CostTotal, QueueSample, Status, TaskLog, WorkerHeartbeat
from tasks_app.queries.costs import ended_costs
from tests.pages import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(alice: User) -> Project:
    return services.create_project(alice, name="Gemini")


def ended(project: Project, status: str, seconds: float, ago: timedelta = timedelta(0)) -> TaskLog:
    """A task that took so long and ended so long ago."""
    task = rows.task(project, status)
    finished = timezone.now() - ago
    TaskLog.objects.filter(pk=task.pk).update(started_at=finished - timedelta(seconds=seconds), finished_at=finished)
    return task


# --- figures


def test_counts_are_of_the_scope(project: Project, other: Project) -> None:
    for status in Status.values:
        rows.task(project, status)
    rows.task(other, Status.FAILED)
    found = queries.figures(project)
    assert found.by_status == dict.fromkeys(Status.values, 1)
    assert found.matching("failed", "") == found.matching("failed", "ingest_episode") == 1
    assert found.matching("failed", "rebuild_communities") == 0
    assert queries.figures(None).by_status["failed"] == 2
    assert queries.figures(Project.objects.filter(pk=other.pk)).total == 1


def test_what_ended_lately(project: Project) -> None:
    for ago in (1, 2, 30, 61):
        ended(project, Status.COMPLETED, 1, timedelta(minutes=ago))
    ended(project, Status.FAILED, 1, timedelta(minutes=3))
    found = queries.figures(project).ended
    assert (found.completed, found.failed, found.cancelled) == (3, 1, 0)
    assert found.error_rate == 0.25
    assert found.per_minute == pytest.approx(3 / 5)


def test_no_error_rate_when_nothing_ran(project: Project) -> None:
    assert queries.figures(project).ended.error_rate is None


def test_durations_are_of_the_latest_completed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks_app.queries.vitals.SAMPLES", 20)
    ended(project, Status.COMPLETED, 1000, timedelta(days=1))
    ended(project, Status.FAILED, 500)
    for number in range(1, 21):
        ended(project, Status.COMPLETED, number, timedelta(minutes=number))
    (found,) = queries.figures(project).durations
    assert (found.kind, found.samples) == ("ingest_episode", 20)
    assert (round(found.p50), round(found.p95), round(found.mean, 1)) == (10, 19, 10.5)


def test_the_oldest_that_waits_and_the_silent(project: Project) -> None:
    first, _ = rows.task(project), rows.task(project)
    running = rows.task(project, Status.PROCESSING)
    found = queries.figures(project)
    assert (found.oldest_pending_at, found.stuck) == (first.created_at, 0)
    TaskLog.objects.filter(pk=running.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert queries.figures(project).stuck == 1


def figure_queries(scope: queries.Scope) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        queries.figures(scope)
        queries.queue_depth(scope, 24)
        queries.processes(scope)
        queries.cost_of(scope)
    return [query["sql"] for query in captured]


def test_the_numbers_take_as_many_queries_for_many(project: Project) -> None:
    fill(project, 10)
    few = len(figure_queries(project))
    fill(project, 400, seed=2, now=datetime(2030, 1, 1, tzinfo=UTC))
    assert len(figure_queries(project)) == few
    assert len(figure_queries(None)) == few


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by the size of the table")
def test_the_counts_and_the_last_hour_come_out_of_indexes(project: Project) -> None:
    fill(project, 50)
    plans = []
    with CaptureQueriesContext(connection) as captured:
        queries.figures(project)
    for query in captured.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}".replace("%", "%%"), [])
            plans.append(" ".join(row[3] for row in cursor.fetchall()))
    assert "COVERING INDEX task_count" in plans[0]
    assert "COVERING INDEX task_ended" in plans[1]
    assert all("SCAN" not in plan for plan in plans)


# --- lists


def test_a_page_leads_to_the_next_and_back(project: Project) -> None:
    tasks = [rows.task(project) for _ in range(7)][::-1]
    every = queries.tasks(project)
    first = queries.cursor_page(every, 3)
    assert (first.rows, first.newer, first.older) == (tasks[:3], None, tasks[2].pk)
    second = queries.cursor_page(every, 3, before=str(first.older))
    assert (second.rows, second.newer, second.older) == (tasks[3:6], tasks[3].pk, tasks[5].pk)
    last = queries.cursor_page(every, 3, before=str(second.older))
    assert (last.rows, last.newer, last.older) == (tasks[6:], tasks[6].pk, None)
    assert queries.cursor_page(every, 3, after=str(last.newer)).rows == second.rows
    back = queries.cursor_page(every, 3, after=str(second.newer))
    assert (back.rows, back.newer) == (first.rows, None)
    assert queries.cursor_page(every, 3, before="nonsense").rows == first.rows


def test_a_new_row_moves_no_other(project: Project) -> None:
    tasks = [rows.task(project) for _ in range(4)][::-1]
    older = queries.cursor_page(queries.tasks(project), 2).older
    rows.task(project)
    assert queries.cursor_page(queries.tasks(project), 2, before=str(older)).rows == tasks[2:]


def test_time_and_ids_narrow_a_list(project: Project) -> None:
    task, later = rows.task(project, of=rows.memory(project)), rows.task(project)
    TaskLog.objects.filter(pk=task.pk).update(created_at=datetime(2024, 5, 1, tzinfo=UTC))
    assert list(queries.tasks(project, until=datetime(2024, 5, 2, tzinfo=UTC))) == [task]
    assert list(queries.tasks(project, since=datetime(2024, 5, 2, tzinfo=UTC))) == [later]
    for identifier in (task.pk, task.memory_id):
        assert list(queries.tasks(project, q=str(identifier))) == [task]
    assert not queries.tasks(project, q=str(uuid4()))


def test_words_are_looked_for_in_the_newest(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks_app.queries.listing.SEARCHED", 2)
    old, *new = [rows.task(project, of=rows.memory(project, title="Turin")) for _ in range(3)]
    assert set(queries.tasks(project, q="turin")) == set(new)
    assert list(queries.tasks(project, q=str(old.pk))) == [old]
    assert not filters.read({"q": "turin"}).searched_all(project)
    assert filters.read({"q": "turin", "until": "2000-01-01"}).searched_all(project)


# --- filters in a URL


def test_filters_combine_and_go_back_into_a_url() -> None:
    found = filters.read({"status": "failed", "q": " a b ", "since": "2024-05-01", "until": "2024-05-01", "x": "1"})
    assert (found.status, found.q, found.errors) == ("failed", "a b", ())
    assert found.since == datetime(2024, 5, 1, tzinfo=UTC)
    assert found.until == datetime(2024, 5, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert found.query(status="") == "q=a+b&since=2024-05-01&until=2024-05-01"
    assert filters.read({"since": "2024-05-01T10:30"}).since == datetime(2024, 5, 1, 10, 30, tzinfo=UTC)
    assert not filters.read({})


@pytest.mark.parametrize(
    "given",
    [
        {"status": "nonsense"}, {"kind": "nonsense"}, {"range": "1y"}, {"since": "yesterday"}, {"until": "2024-13-01"},
        {"since": "0001-01-01T00:00+14:00"}, {"until": "2024-05-01T99:00"},
    ],
)  # fmt: skip
def test_a_filter_that_can_not_be_read_is_told(given: dict[str, str]) -> None:
    found = filters.read(given)
    assert len(found.errors) == 1
    assert not found


# --- what the dispatcher writes down


def test_a_sample_a_minute_however_many_dispatchers(project: Project, other: Project) -> None:
    for _ in range(3):
        rows.task(project)
    rows.task(project, Status.PROCESSING)
    bookkeeping.take_sample()
    bookkeeping.take_sample()
    minutes = QueueSample.objects.values("at").distinct().count()
    assert QueueSample.objects.count() == 2 * minutes
    assert queries.queue_depth(project, 1)[0] == queries.DepthPoint(ANY, 3, 1)
    assert queries.queue_depth(None, 1)[0] == queries.DepthPoint(ANY, 3, 1)
    assert queries.queue_depth(other, 1)[0] == queries.DepthPoint(ANY, 0, 0)
    assert queries.depth_now(project) == (3, 1)


def test_samples_of_yesterday_go(project: Project) -> None:
    QueueSample.objects.create(at=timezone.now() - timedelta(hours=25), pending=1, processing=1)
    bookkeeping.take_sample()
    assert QueueSample.objects.count() == 1


def test_a_minute_without_a_dispatcher_is_a_gap(project: Project) -> None:
    minute = timezone.now().replace(second=0, microsecond=0)
    for ago in (1, 2, 5):
        QueueSample.objects.create(at=minute - timedelta(minutes=ago), pending=ago, processing=0)
    points = queries.queue_depth(None, 1)
    assert [point.pending for point in points] == [5, None, None, 2, 1]
    drawn = chart.draw(points, 1)
    assert drawn is not None
    assert len(drawn.pending) == 2
    assert "At most 5 waited" in drawn.sentence
    assert "broken" in drawn.sentence
    assert chart.draw(points[:1], 1) is None


def test_books_are_kept_once_a_minute(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookkeeping, "_next", 0.0)
    for _ in range(3):
        bookkeeping.keep_books()
    assert QueueSample.objects.count() == 1


def spend(project: Project, cpu: float) -> TaskLog:
    task = ended(project, Status.COMPLETED, 10, timedelta(minutes=2))
    TaskLog.objects.filter(pk=task.pk).update(cpu_seconds=cpu, peak_memory_mb=100 * cpu, llm_tokens=7)
    return task


def test_costs_are_counted_once_and_outlive_their_rows(project: Project, other: Project) -> None:
    spend(project, 1)
    spend(project, 2)
    spend(other, 50)
    before = queries.cost_of(project)
    assert replace(before, wall_seconds=round(before.wall_seconds)) == queries.Cost(2, 20, 3, 200, 14)
    bookkeeping.count_costs()
    assert CostTotal.objects.get(project=project).tasks == 2
    assert queries.cost_of(project) == before
    bookkeeping.count_costs()
    assert queries.cost_of(project) == before
    TaskLog.objects.all().delete()
    assert queries.cost_of(project) == before
    assert queries.cost_of(None).cpu_seconds == 53


def test_what_ended_a_moment_ago_is_not_counted_yet_but_told(project: Project) -> None:
    bookkeeping.count_costs()
    TaskLog.objects.filter(pk=ended(project, Status.COMPLETED, 1).pk).update(cpu_seconds=4)
    bookkeeping.count_costs()
    assert not CostTotal.objects.filter(project=project, tasks__gt=0)
    assert queries.cost_of(project).cpu_seconds == 4


def test_two_that_count_at_once_count_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    spend(project, 1)
    real = ended_costs

    def while_another_counts(*given: Any) -> Any:
        found = list(real(*given))
        CostMark.objects.filter(pk=1).update(counted_until=Now())
        return found

    monkeypatch.setattr(bookkeeping, "ended_costs", while_another_counts)
    bookkeeping.count_costs()
    assert not CostTotal.objects.filter(tasks__gt=0)


# --- workers


def test_a_worker_shows_what_it_runs_of_the_scope(project: Project, other: Project) -> None:
    detail = {"slots": 2, "queues": ["ingest"]}
    WorkerHeartbeat.objects.create(name="worker-1", kind="worker", detail=detail)
    WorkerHeartbeat.objects.create(name="a-dispatcher", kind="dispatcher", detail={})
    silent = WorkerHeartbeat.objects.create(name="worker-2", kind="worker", detail=detail)
    WorkerHeartbeat.objects.filter(pk=silent.pk).update(seen_at=timezone.now() - timedelta(minutes=1))
    mine, theirs = rows.task(project, Status.PROCESSING), rows.task(other, Status.PROCESSING)
    first, second, third = queries.processes(project)
    assert (first.name, first.fresh, first.slots, first.queues, first.running) == (
        "worker-1", True, 2, ["ingest"], [mine],
    )  # fmt: skip
    assert (second.name, second.fresh, third.kind) == ("worker-2", False, "dispatcher")
    assert queries.processes(None)[0].running == [mine, theirs]


# --- payloads


def test_secrets_are_blotted_out(project: Project) -> None:
    task = transitions.enqueue(
        project,
        Kind.INGEST_EPISODE,
        payload={
            "url": "https://user:hunter2@example.org/a",
            "headers": {"Authorization": "Bearer abcdef123456", "accessToken": "xyzzy"},
            "credentials": {"name": "magic"},
            "author": "Ada",
            "llm_tokens": 12,
            "note": "key ms_sk_0123456789abcdef",
        },
    )
    shown = payloads.payload_of(task)
    assert shown is not None
    for secret in ("hunter2", "abcdef123456", "xyzzy", "magic", "0123456789abcdef"):
        assert secret not in shown.text
    for plain in ("example.org/a", '"author": "Ada"', '"llm_tokens": 12'):
        assert plain in shown.text


def test_a_long_payload_is_cut_and_its_beginning_is_blotted_out_too(project: Project) -> None:
    payload = {"api_key": "hunter2", "items": [{"text": "x" * 100}] * 1000, "password": "y" * 100}
    shown = payloads.payload_of(transitions.enqueue(project, Kind.IMPORT_MEMORIES, payload=payload))
    assert shown is not None
    assert shown.cut
    assert shown.size > 100_000
    assert len(shown.text) < 5000
    assert "hunter2" not in shown.text
    assert payloads.payload_of(rows.task(project)) is None
