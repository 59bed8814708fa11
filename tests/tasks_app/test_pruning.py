"""What is forgotten, what is kept, and that nobody waits for it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from memories.models import IdempotencyKey, Memory, Project, SearchDocument
from tasks_app import dispatcher, pruning, transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskEvent, TaskLog
from tasks_app.streams import table
from tests.memories import rows

pytestmark = pytest.mark.django_db
OLD = Now() - timedelta(days=40)


@pytest.fixture
def home() -> Project:
    return Project.objects.create(name="Home")


def ended(project: Project, kind: Kind = Kind.INGEST_EPISODE, *, old: bool = True, **fields: Any) -> TaskLog:
    """A cancelled task with its two events."""
    task = transitions.enqueue(project, kind)
    transitions.request_cancel(task)
    TaskLog.objects.filter(pk=task.pk).update(**fields)
    if old:
        age(task)
    task.refresh_from_db()
    return task


def age(*tasks: TaskLog) -> None:
    for task in tasks:
        TaskEvent.objects.filter(task=task).update(at=OLD)
        changed = {"created_at": OLD, "changed_at": OLD}
        TaskLog.objects.filter(pk=task.pk).update(**changed)
        TaskLog.objects.filter(pk=task.pk, finished_at__isnull=False).update(finished_at=OLD)


def prune(days: int = 30) -> Counter[str]:
    """What a dry run says, which is also what goes."""
    promised = pruning.count(days)
    gone: Counter[str] = sum(pruning.prune(days), Counter())
    assert +promised == gone
    return gone


def left() -> set[Any]:
    return set(TaskLog.objects.values_list("pk", flat=True))


def test_old_tasks_go_with_their_events_and_young_ones_stay(home: Project) -> None:
    ended(home)
    young = ended(home, old=False)
    assert prune() == {"tasks": 1, "events": 2}
    assert left() == {young.pk}
    assert TaskEvent.objects.filter(task=young).count() == 2
    assert prune() == {}


def test_what_has_not_ended_stays_however_old_it_is(home: Project) -> None:
    waiting = transitions.enqueue(home, Kind.INGEST_EPISODE)
    running = transitions.enqueue(home, Kind.INGEST_EPISODE)
    transitions.claim(running.pk, "worker")
    age(waiting, running)
    prune()
    assert left() == {waiting.pk, running.pk}


def test_the_task_that_a_memory_shows_stays_and_its_earlier_ones_go(home: Project) -> None:
    memory = rows.memory(home, "Anna lives in Berlin.")
    newest, earlier = ended(home, memory=memory), ended(home, memory=memory)
    TaskLog.objects.filter(pk=str(memory.task_id)).delete()
    Memory.objects.filter(pk=memory.pk).update(task=newest)
    prune()
    assert left() == {newest.pk}
    assert not TaskEvent.objects.filter(task__in=[newest, earlier]).exists()


def test_a_parent_stays_with_a_child_that_stays(home: Project) -> None:
    parents = [ended(home, Kind.IMPORT_MEMORIES) for _ in range(3)]
    shown, gone = ended(home, parent=parents[0]), ended(home, parent=parents[1])
    young = ended(home, old=False, parent=parents[2])
    rows.memory(home, "Anna lives in Berlin.")
    Memory.objects.update(task=shown)
    TaskLog.objects.filter(status=Status.PENDING).delete()
    assert prune()["tasks"] == 2
    assert left() == {parents[0].pk, shown.pk, parents[2].pk, young.pk}
    assert gone.pk not in left()


def test_the_children_that_a_waiting_import_counts_stay(home: Project) -> None:
    parent = transitions.enqueue(home, Kind.IMPORT_MEMORIES)
    claimed = transitions.claim(parent.pk, "worker")
    assert claimed is not None
    children = [ended(home, parent=parent) for _ in range(3)]
    transitions.wait_for_children(claimed, 4)
    age(parent)
    prune()
    assert {child.pk for child in children} < left()
    assert transitions.refresh_parent(parent.pk) is not None


def test_a_retry_outlives_what_it_repeats(home: Project) -> None:
    first = ended(home)
    second = ended(home, old=False, retry_of=first)
    prune()
    second.refresh_from_db()
    assert second.retry_of is None


def test_only_expired_idempotency_keys_go(home: Project, alice: User) -> None:
    for number, hours in enumerate((1, 23, 25, 999)):
        row = IdempotencyKey.objects.create(user=alice, key=str(number), fingerprint="x")
        IdempotencyKey.objects.filter(pk=row.pk).update(created_at=Now() - timedelta(hours=hours))
    assert prune() == {"keys": 2}
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"0", "1"}


def test_passages_that_were_not_published_go_when_nobody_works_on_them(home: Project) -> None:
    memory = rows.memory(home, "Anna lives in Berlin.", "Peter lives in London.")
    task = memory.task
    assert task is not None
    rows.add_passages(memory, ["Anna lives in Berlin."], generation=2)
    assert prune()["passages"] == 0
    transitions.request_cancel(task)
    assert prune()["passages"] == 1
    assert list(memory.passages.values_list("generation", flat=True)) == [1, 1]
    assert SearchDocument.objects.filter(kind="passage").count() == 2


def test_a_task_stream_whose_events_went_begins_with_the_state(home: Project) -> None:
    memory = rows.memory(home, "Anna lives in Berlin.")
    task = ended(home, memory=memory)
    Memory.objects.update(task=task)
    prune()
    channel = f"task-{task.pk}"
    for found in table.read([{channel: place} for place in (None, 0, 1)]):
        assert found is not None
        batch = found[channel]
        assert (batch.position, len(batch.frames)) == (2, 1)
        assert batch.frames[0].kind == "cancelled"


def test_a_project_stream_whose_place_went_is_reset_and_goes_on(home: Project) -> None:
    ended(home)
    young = ended(home, old=False)
    channel = f"project-{home.pk}"
    prune()
    for place in (0, 1):
        [told] = table.read_project(channel, place).frames
        assert (told.number, told.kind) == (4, "reset")
    assert [frame.number for frame in table.read_project(channel, 2).frames] == [3, 4]
    TaskEvent.objects.filter(task=young).update(at=OLD)
    prune()
    [told] = table.read_project(channel, 3).frames
    assert (told.number, told.kind) == (4, "reset")
    assert not table.read_project(channel, 4).frames


def test_batches_are_small_where_deleting_is_slow(home: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pruning._fitting(100, 0.2) == 25
    assert pruning._fitting(100, 0.001) == 200
    assert pruning._fitting(400, 0.001) == pruning.MOST
    assert pruning._fitting(10, 9) == pruning.LEAST
    monkeypatch.setattr(pruning, "FIRST", 2)
    monkeypatch.setattr(pruning, "LEAST", 2)
    monkeypatch.setattr(pruning, "MOST", 2)
    for _ in range(5):
        ended(home)
    assert list(pruning.prune(30)) == [{"events": 2}] * 5 + [{"tasks": 2}, {"tasks": 2}, {"tasks": 1}]


def test_the_megabytes_of_an_import_are_not_read_on_the_way_out(home: Project) -> None:
    ended(home, Kind.IMPORT_MEMORIES)
    with CaptureQueriesContext(connection) as asked:
        prune()
    assert not [query["sql"] for query in asked if '"payload"' in query["sql"]]


def test_a_row_that_was_wanted_after_all_is_not_deleted(home: Project) -> None:
    """The candidates were read before the transaction that deletes them."""
    task = ended(home)
    [heap] = [heap for heap in pruning.heaps(30) if heap.name == "tasks"][1:]
    rows.memory(home, "Anna lives in Berlin.")
    Memory.objects.update(task=task)
    assert pruning._delete(heap, [task.pk]) == 0


def test_the_dispatcher_prunes_once_an_hour_a_batch_a_turn(home: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "FIRST", 2)
    monkeypatch.setattr(pruning, "LEAST", 2)
    monkeypatch.setattr(pruning, "MOST", 2)
    for _ in range(2):
        ended(home)
    now = [0.0]
    keeper = pruning.Housekeeper(lambda: now[0])
    monkeypatch.setattr(dispatcher, "housekeeper", keeper)
    dispatcher.tick()
    assert TaskEvent.objects.count() == 4
    now[0] = 61
    counts = []
    for _ in range(5):
        dispatcher.tick()
        counts.append((TaskEvent.objects.count(), TaskLog.objects.count()))
    assert counts == [(2, 2), (0, 2), (0, 0), (0, 0), (0, 0)]
    ended(home)
    keeper.turn()
    assert TaskLog.objects.count() == 1
    now[0] += 3601
    for _ in range(3):
        keeper.turn()
    assert TaskLog.objects.count() == 0


def test_a_round_that_failed_is_not_the_last(home: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    keeper = pruning.Housekeeper(lambda: now[0] - 100)
    now[0] = 200
    with monkeypatch.context() as patch:
        patch.setattr(pruning, "_delete", lambda *_: 1 / 0)
        ended(home)
        with pytest.raises(ZeroDivisionError):
            keeper.turn()
    now[0] += 3601
    for _ in range(3):
        keeper.turn()
    assert not left()


def test_nothing_is_pruned_when_told_so(home: Project, settings: Settings) -> None:
    settings.MEMSTACK_KEEP_TASKS_DAYS = 0
    task = ended(home)
    now = [0.0]
    keeper = pruning.Housekeeper(lambda: now[0])
    now[0] = 61
    keeper.turn()
    assert left() == {task.pk}
    with pytest.raises(CommandError, match="give --days"):
        call_command("prune_task_logs")


def test_the_command_says_what_it_does(home: Project) -> None:
    ended(home)

    def said(*arguments: str) -> str:
        out = StringIO()
        call_command("prune_task_logs", *arguments, stdout=out)
        return out.getvalue().strip()

    rest = "0 unpublished passages, 0 idempotency keys, 0 files that no memory has."
    assert said("--days", "50") == f"Deleted 0 tasks, 0 events, {rest}"
    assert said("--dry-run") == f"Would delete 1 tasks, 2 events, {rest}"
    assert said() == f"Deleted 1 tasks, 2 events, {rest}"
    for wrong in ("0", "-1", "x", "1.5", "99999"):
        with pytest.raises(CommandError):
            said("--days", wrong)
