"""An attempt goes on where the last one ended: nothing is read twice, and the graph is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from memories import services
from memories.engine.extraction import LocalExtractor
from memories.engine.passages import render_conversation, split
from memories.engine.types import Message, Passage, Reader, Reading, Schema, Source
from memories.models import Memory, Project
from memories.models import Passage as PassageRow
from memories.pipelines import ingest_episode
from memories.validation import NewMemory
from tasks_app import runner, transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskCheckpoint, TaskLog
from tests.memories.rows import DAY
from tests.memories.test_graph import graph_of

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = ("Anna Smith", "Peter Jones", "Maria Costa", "Carl Weber")
SAID = (  # a batch ends with the last of these, so "she" reaches back over its end
    "She lives in Lisbon, and I work for {firm} in Berlin.",
    "The company was founded by Peter Jones in 2001.",
    "He moved to Lisbon last year, and it was a good idea.",
    "Nora Beck works for {firm} with Maria Costa.",
)
TALK = tuple(
    Message(PEOPLE[number % 4], SAID[number % 4].format(firm=("Acme", "Globex", "Initech")[number // 16 % 3]))
    for number in range(64)
)


class Killed(BaseException):
    """What no handler of the attempt sees, as with SIGKILL."""


class Counting:
    """The local extractor, which counts what it reads and dies before batch number `dies_at`."""

    version = LocalExtractor.version

    def __init__(self, dies_at: int | None = None, batch_done: Callable[[int], None] = lambda number: None) -> None:
        self.read: list[int] = []
        self.batches = 0
        self.dies_at = dies_at
        self.batch_done = batch_done

    def begin(
        self, source: Source, passages: Sequence[Passage], schema: Schema, state: Mapping[str, Any] | None = None
    ) -> Reader:
        return _CountingReader(self, LocalExtractor().begin(source, passages, schema, state))


class _CountingReader:
    def __init__(self, counts: Counting, reader: Reader) -> None:
        self.counts, self.reader = counts, reader

    def read(self, passages: Sequence[Passage]) -> Iterable[Reading]:
        self.counts.batch_done(self.counts.batches)
        if self.counts.batches == self.counts.dies_at:
            raise Killed
        self.counts.batches += 1
        self.counts.read += [passage.position for passage in passages]
        return self.reader.read(passages)

    def state(self) -> dict[str, Any]:
        return self.reader.state()


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner")


def saved(owner: User, name: str) -> tuple[Project, TaskLog]:
    project = services.create_project(owner, name=name)
    memory = services.create_memory(
        owner, project, NewMemory(messages=TALK, content_type="conversation", reference_time=DAY)
    )
    assert memory.task is not None
    return project, memory.task


def attempt(task: TaskLog, extractor: Counting, monkeypatch: pytest.MonkeyPatch) -> TaskLog:
    monkeypatch.setattr(ingest_episode, "EXTRACTOR", extractor)
    runner.run(task.pk, ingest_episode.run, "test")
    return TaskLog.objects.get(pk=task.pk)


def die(task: TaskLog, extractor: Counting, monkeypatch: pytest.MonkeyPatch) -> TaskLog:
    """An attempt whose process is killed, and whose lease has run out."""
    with pytest.raises(Killed):
        attempt(task, extractor, monkeypatch)
    TaskLog.objects.filter(pk=task.pk).update(lease_until=Now())
    for expired in transitions.expired_leases():
        transitions.expire_lease(expired)
    return TaskLog.objects.get(pk=task.pk)


@pytest.fixture
def undisturbed(owner: User, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    project, task = saved(owner, "Undisturbed")
    assert attempt(task, Counting(), monkeypatch).status == Status.COMPLETED
    graph = graph_of(project)
    assert graph["facts"]
    return graph


def test_a_second_attempt_reads_only_the_rest(
    owner: User, undisturbed: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for killed_after in (1, 2, 3):
        project, task = saved(owner, f"Killed after {killed_after}")
        first, second = Counting(dies_at=killed_after), Counting()
        assert die(task, first, monkeypatch).status == Status.PENDING
        row = attempt(task, second, monkeypatch)
        assert (row.status, row.attempt) == (Status.COMPLETED, 2), row.error
        assert first.read + second.read == list(range(64))
        assert len(second.read) == 64 - 16 * killed_after
        assert graph_of(project) == undisturbed
        assert PassageRow.objects.filter(memory__project=project).count() == 64


def test_what_was_kept_is_gone_with_the_end(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for end in ("completed", "cancelled"):
        _, task = saved(owner, end)
        die(task, Counting(dies_at=2), monkeypatch)
        assert TaskCheckpoint.objects.filter(task=task).count() == 3
        if end == "completed":
            attempt(task, Counting(), monkeypatch)
        else:
            transitions.request_cancel(task)
        assert TaskLog.objects.get(pk=task.pk).status == end
        assert not TaskCheckpoint.objects.filter(task=task).exists()


def change_content(task: TaskLog) -> None:
    assert task.memory is not None
    messages = [{**message, "content": message["content"] + " Yes."} for message in task.memory.messages or []]
    content = "\n".join(f"{message['speaker']}: {message['content']}" for message in messages)
    Memory.objects.filter(pk=task.memory.pk).update(messages=messages, content=content)


def change_schema(task: TaskLog) -> None:
    task.project.entity_types.create(name="planet")


def change_extractor(task: TaskLog) -> None:
    Counting.version = "local-next"


def spoil(task: TaskLog) -> None:
    TaskCheckpoint.objects.filter(task=task).update(data=b"of another program")


def lose_passages(task: TaskLog) -> None:
    PassageRow.objects.filter(memory=task.memory, position=3).delete()


@pytest.mark.parametrize("change", [change_content, change_schema, change_extractor, spoil, lose_passages])
def test_what_was_kept_of_something_else_is_not_used(
    owner: User, monkeypatch: pytest.MonkeyPatch, change: Callable[[TaskLog], None]
) -> None:
    monkeypatch.setattr(Counting, "version", LocalExtractor.version)
    project, task = saved(owner, "Changed")
    die(task, Counting(dies_at=2), monkeypatch)
    change(task)
    second = Counting()
    row = attempt(task, second, monkeypatch)
    assert (row.status, second.read) == (Status.COMPLETED, list(range(64))), row.error
    assert PassageRow.objects.filter(memory__project=project).count() == 64


def test_a_task_that_found_the_graph_taken_reads_nothing_again(
    owner: User, undisturbed: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LANE_SECONDS", 0.05)
    project, task = saved(owner, "Busy")
    holder = transitions.claim(transitions.enqueue(project, Kind.INGEST_EPISODE).pk, "other")
    assert holder is not None
    transitions.take_lane(holder)
    assert attempt(task, Counting(), monkeypatch).status == Status.PENDING
    transitions.fail(holder, "no", retryable=False)
    TaskLog.objects.filter(pk=task.pk).update(run_after=None)
    second = Counting()
    assert attempt(task, second, monkeypatch).status == Status.COMPLETED
    assert second.read == []
    assert graph_of(project) == undisturbed


def test_an_attempt_that_was_overtaken_writes_no_batch(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """It wakes when another has begun with what it left; that one's passages and place stay as they are."""
    project, task = saved(owner, "Zombie")

    def overtake(batch: int) -> None:
        if batch == 2:
            TaskLog.objects.filter(pk=task.pk).update(lease_until=Now())
            transitions.expire_lease(transitions.expired_leases()[0])
            assert transitions.claim(task.pk, "successor")

    attempt(task, Counting(batch_done=overtake), monkeypatch)
    assert PassageRow.objects.filter(memory__project=project).count() == 32
    assert TaskCheckpoint.objects.filter(task=task).count() == 3


@pytest.mark.parametrize("cut", [4, 16, 40])
def test_a_reader_goes_on_from_the_state_of_another(cut: int) -> None:
    source = Source(render_conversation(TALK), "conversation", datetime(2024, 5, 1, tzinfo=UTC), messages=TALK)
    pieces, schema = split(source), Schema(frozenset())
    whole = LocalExtractor().begin(source, pieces, schema)
    expected = [*whole.read(pieces[:cut]), *whole.read(pieces[cut:])]
    first = LocalExtractor().begin(source, pieces, schema)
    readings = list(first.read(pieces[:cut]))
    readings += LocalExtractor().begin(source, pieces, schema, first.state()).read(pieces[cut:])
    assert readings == expected
    naive = LocalExtractor().begin(source, pieces, schema)
    assert [*expected[:cut], *naive.read(pieces[cut:])] != expected, "nothing reaches back over the cut"
