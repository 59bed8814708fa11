"""What a memory leaves in the graph, and what goes with it; through the real pipelines, without a broker."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from memories import services
from memories.engine.types import Message
from memories.graph import communities, versions
from memories.importing import staging
from memories.models import (
    Community,
    CommunityMembership,
    Entity,
    EntityAlias,
    Fact,
    FactSupport,
    Memory,
    Mention,
    Passage,
    Project,
    RelationType,
    SearchDocument,
)
from memories.pipelines import import_memories, ingest_episode, rebuild_communities
from memories.pipelines.extraction import Extracted
from memories.validation import NewMemory
from tasks_app import runner
from tasks_app import services as tasks
from tasks_app.models import Status, TaskEvent, TaskLog
from tests.memories import rows

pytestmark = pytest.mark.django_db(transaction=True)
ACME = "Anna Smith works for Acme in Berlin. Acme was founded by Peter Jones in 2001."
LISBON = "Maria Costa lives in Lisbon. Maria Costa works for Acme."


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("graph-owner")


@pytest.fixture
def home(owner: User) -> Project:
    return services.create_project(owner, name="Home")


def run(task: TaskLog | None) -> TaskLog:
    assert task is not None
    pipelines = {
        "ingest_episode": ingest_episode.run,
        "rebuild_communities": rebuild_communities.run,
        "import_memories": import_memories.run,
    }
    runner.run(task.pk, pipelines[task.kind], "test")
    return TaskLog.objects.get(pk=task.pk)


def save(owner: User, home: Project, new: NewMemory | str) -> Memory:
    memory = services.create_memory(owner, home, NewMemory(content=new) if isinstance(new, str) else new)
    task = run(memory.task)
    assert task.status == Status.COMPLETED, (task.error, task.traceback)
    return Memory.objects.get(pk=memory.pk)


def test_an_attempt_that_was_overtaken_publishes_nothing(owner: User, home: Project) -> None:
    memory = save(owner, home, ACME)
    task = services.reprocess_memory(memory)

    def overtaken(progress: runner.Progress) -> runner.Outcome:
        outcome = ingest_episode.run(progress)
        Memory.objects.filter(pk=memory.pk).update(generation=99)
        return outcome

    runner.run(task.pk, overtaken, "test")
    assert TaskLog.objects.get(pk=task.pk).status == Status.FAILED
    assert Memory.objects.get(pk=memory.pk).generation == 99


def test_an_import_that_is_cancelled_makes_no_more_children(owner: User, home: Project) -> None:
    task = services.import_memories(owner, home, [NewMemory(content=str(number)) for number in range(120)])

    def cancelled_between_batches(progress: runner.Progress) -> None:
        save_count = progress.save_count

        def save_count_and_cancel(done: int) -> None:
            save_count(done)
            if done == 50:
                transaction.on_commit(lambda: tasks.cancel(task) and None)

        progress.save_count = save_count_and_cancel  # type: ignore[method-assign]
        import_memories.run(progress)

    runner.run(task.pk, cancelled_between_batches, "test")
    assert TaskLog.objects.get(pk=task.pk).status == Status.CANCELLED
    assert list(task.children.values_list("status", flat=True)) == [Status.CANCELLED] * 50
    assert home.memories.count() == 50


def graph_of(project: Project) -> dict[str, object]:
    """The graph in words, so that two can be compared whatever their ids."""
    return {
        "entities": sorted(project.entities.values_list("name", "type", "mention_count", "fact_count")),
        "aliases": sorted(EntityAlias.objects.filter(project=project).values_list("entity__name", "name")),
        "facts": sorted(
            str(row)
            for row in project.facts.values_list("subject__name", "predicate", "object__name", "value", "valid_at")
        ),
        "support": FactSupport.objects.filter(fact__project=project).count(),
        "mentions": Mention.objects.filter(entity__project=project).count(),
        "documents": sorted(
            SearchDocument.objects.filter(project=project).exclude(kind="community").values_list("kind", "text")
        ),
    }


def test_the_stages_are_those_of_the_contract(owner: User, home: Project) -> None:
    memory = save(owner, home, ACME)
    events = TaskEvent.objects.filter(task=memory.task).order_by("seq")
    shown = list(dict.fromkeys((event.data["message"], event.data["stage"]) for event in events))
    percents = {message: None for message, _ in shown}
    for event in events:
        percents[event.data["message"]] = percents[event.data["message"]] or event.data["progress"]
    assert {words: percent for words, percent in percents.items() if percent} == {
        "Starting episode ingestion...": 10,
        "Loading schema...": 20,
        "Extracting entities and relationships...": 30,
        "Syncing schema...": 50,
        "Updating communities...": 75,
        "Episode ingestion completed": 100,
    }
    rebuilt = run(services.request_rebuild(home))
    told = TaskEvent.objects.filter(task=rebuilt).order_by("seq").values_list("data__progress", "data__message")
    count = Community.objects.filter(project=home).count()
    assert [pair for pair in dict.fromkeys(told) if pair[0]] == [
        (10, "Removing existing communities..."),
        (30, "Detecting communities..."),
        (50, f"Found {count} communities..."),
        (75, "Saving community relationships..."),
        (90, "Calculating member counts..."),
        (100, "Communities rebuilt"),
    ]
    assert rebuilt.result is not None
    assert rebuilt.result.keys() == {"communities_count", "edges_count"}


def test_spans_are_exact(owner: User, home: Project) -> None:
    memory = save(owner, home, "😀 " + ACME + "\n\nÜber " + LISBON)
    assert Mention.objects.filter(memory=memory).exists()
    for mention in Mention.objects.filter(memory=memory):
        assert memory.content[mention.start : mention.end] == mention.text
    for support in FactSupport.objects.filter(memory=memory).select_related("fact"):
        assert memory.content[support.start : support.end] == support.fact.sentence
    for passage in Passage.objects.filter(memory=memory):
        assert memory.content[passage.start : passage.end] == passage.text


def test_a_second_memory_meets_the_entities_of_the_first(owner: User, home: Project) -> None:
    save(owner, home, ACME)
    save(owner, home, LISBON)
    assert Entity.objects.filter(project=home, name="Acme").count() == 1
    acme = Entity.objects.get(project=home, name="Acme")
    assert acme.mention_count == 3
    assert set(RelationType.objects.filter(project=home).values_list("name", flat=True)) >= {"works_for"}


def test_what_two_memories_say_is_one_fact_with_two_supports(owner: User, home: Project) -> None:
    first = save(owner, home, ACME)
    save(owner, home, "Anna Smith works for Acme.")
    fact = Fact.objects.get(project=home, predicate="works_for", subject__name="Anna Smith", object__name="Acme")
    assert fact.support.count() == 2
    services.delete_memory(first)
    fact.refresh_from_db()
    assert fact.support.count() == 1
    assert not Entity.objects.filter(project=home, name="Peter Jones").exists()


def test_deleting_takes_back_exactly_what_saving_brought(owner: User, home: Project) -> None:
    save(owner, home, LISBON)
    before = graph_of(home)
    memory = save(owner, home, ACME)
    expected = services.deletion_preview(memory)
    receipt = services.delete_memory(memory)
    assert receipt == expected
    assert receipt["facts_removed"] > 0
    assert receipt["entities_removed"] > 0
    assert graph_of(home) == before


def test_ingesting_again_changes_nothing(owner: User, home: Project) -> None:
    memory = save(owner, home, ACME)
    save(owner, home, LISBON)
    before, ids = graph_of(home), set(home.entities.values_list("pk", flat=True))
    run(services.reprocess_memory(memory))
    assert graph_of(home) == before
    assert set(home.entities.values_list("pk", flat=True)) == ids
    assert Passage.objects.filter(memory=memory).values("generation").distinct().count() == 1


def test_an_edit_replaces_what_the_memory_said(owner: User, home: Project) -> None:
    memory = save(owner, home, NewMemory(content=ACME, title="Note"))
    task = services.update_memory(memory, {"content": LISBON})
    assert graph_of(home)["facts"]  # the old version stays readable until the new one is published
    run(task)
    fresh = services.create_project(owner, name="Fresh")
    save(owner, fresh, NewMemory(content=LISBON, title="Note"))
    assert graph_of(home) == graph_of(fresh)
    assert services.update_memory(memory, {"title": "Other", "tags": ["a", "b"]}) is None
    assert list(memory.memory_tags.values_list("name", flat=True)) == ["a", "b"]


def test_a_save_resolves_again_when_the_graph_changed_under_it(
    owner: User, home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = ingest_episode._resolve
    resolved: list[object] = []

    def interrupted(extracted: Extracted) -> object:
        episode = resolve(extracted)
        if not resolved:
            versions.bump(home)  # a page merges two entities at this moment
        resolved.append(episode)
        return episode

    monkeypatch.setattr(ingest_episode, "_resolve", interrupted)
    save(owner, home, ACME)
    assert len(resolved) == 2


def test_a_memory_deleted_while_it_is_read_leaves_nothing(
    owner: User, home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = services.create_memory(owner, home, NewMemory(content=ACME))
    resolve = ingest_episode._resolve

    def deleted(extracted: Extracted) -> object:
        episode = resolve(extracted)
        if Memory.objects.filter(pk=memory.pk).exists():
            services.delete_memory(Memory.objects.get(pk=memory.pk))
        return episode

    monkeypatch.setattr(ingest_episode, "_resolve", deleted)
    task = run(memory.task)
    assert task.status in {Status.FAILED, Status.CANCELLED}
    assert not home.entities.exists()
    assert not home.facts.exists()
    assert not SearchDocument.objects.filter(project=home).exists()


def test_communities_are_connected_and_counted_after_every_step(owner: User, home: Project) -> None:
    first = save(owner, home, ACME)
    check_communities(home)
    save(owner, home, LISBON)
    check_communities(home)
    run(services.request_rebuild(home))
    check_communities(home)
    save(owner, home, "Peter Jones visited Lisbon. Tom Baker is married to Peter Jones.")
    check_communities(home)
    services.delete_memory(first)
    check_communities(home)
    told = str(list(Community.objects.filter(project=home).values_list("name", "summary")))
    assert "Anna Smith" not in told


def check_communities(project: Project) -> None:
    project.refresh_from_db()
    shown = Community.objects.filter(project=project, generation=project.community_generation)
    assert shown.exists()
    neighbours: dict[object, set[object]] = defaultdict(set)
    for one, other in project.facts.exclude(object=None).values_list("subject_id", "object_id"):
        neighbours[one].add(other)
        neighbours[other].add(one)
    for community in shown:
        rows = CommunityMembership.objects.filter(community=community)
        members = set(rows.values_list("entity_id", flat=True))
        assert len(members) == community.member_count >= 2
        seen: set[object] = set()
        border: set[object] = {next(iter(members))}
        while border:
            seen |= border
            border = {other for entity in border for other in neighbours[entity] & members} - seen
        assert seen == members, f"{community} is not connected"


def test_a_deletion_leaves_alone_what_a_rebuild_has_not_shown_yet(owner: User, home: Project) -> None:
    memory = save(owner, home, ACME)
    unseen = Community.objects.create(project=home, generation=home.community_generation + 1, name="Unseen")
    CommunityMembership.objects.bulk_create(
        CommunityMembership(community=unseen, entity=entity, generation=unseen.generation)
        for entity in home.entities.all()
    )
    services.delete_memory(memory)
    assert Community.objects.filter(pk=unseen.pk).exists()


def test_what_is_deleted_during_a_rebuild_is_in_no_community(
    owner: User, home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = save(owner, home, "Anna Smith works for Acme.")
    for name in ("Maria Costa", "Peter Jones", "Tom Baker"):
        save(owner, home, f"{name} works for Acme.")
    write = communities.write_groups
    deleted: list[dict[str, int]] = []

    def interrupted(*args: Any) -> Any:
        yield from write(*args)
        if not deleted:
            deleted.append(services.delete_memory(Memory.objects.get(pk=memory.pk)))

    monkeypatch.setattr(communities, "write_groups", interrupted)
    row = run(services.request_rebuild(home))
    assert row.status == Status.COMPLETED, row.traceback
    assert deleted
    check_communities(home)
    told = str(list(Community.objects.filter(project=home).values_list("name", "summary")))
    told += str(list(SearchDocument.objects.filter(project=home).values_list("text", flat=True)))
    assert "Maria Costa" in told
    assert "Anna Smith" not in told


def test_what_only_stands_together_holds_a_community_less(home: Project) -> None:
    memory = rows.memory(home, "one", "two")
    ada, bob, cleo = (rows.entity(home, name) for name in ("Ada", "Bob", "Cleo"))
    rows.fact(ada, "knows", bob, memory, 0)
    for place in (0, 1):
        rows.fact(ada, "mentioned_with", cleo, memory, place, confidence=0.3)
    graph = communities.load_graph(home)
    ends = [frozenset((graph.ids[a], graph.ids[b])) for a, b in graph.edges]
    weights = dict(zip(ends, graph.weights.tolist(), strict=True))
    assert weights == {frozenset((ada.pk, bob.pk)): 1.0, frozenset((ada.pk, cleo.pk)): pytest.approx(0.6)}


def test_a_rebuild_keeps_ids_where_members_stay_and_ends_without_a_graph(owner: User, home: Project) -> None:
    empty = run(services.request_rebuild(home))
    assert (empty.status, empty.result) == (Status.COMPLETED, {"communities_count": 0, "edges_count": 0})
    save(owner, home, ACME)
    run(services.request_rebuild(home))
    ids = set(Community.objects.filter(project=home).values_list("pk", flat=True))
    run(services.request_rebuild(home))
    assert set(Community.objects.filter(project=home).values_list("pk", flat=True)) == ids
    assert ids


def test_a_second_rebuild_while_one_waits_is_that_one(home: Project) -> None:
    assert services.request_rebuild(home) == services.request_rebuild(home)


def test_the_order_of_saving_does_not_matter(owner: User) -> None:
    texts = [ACME, LISBON, "Peter Jones lives in Berlin."]
    graphs = []
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        project = services.create_project(owner, name=str(order))
        for place in order:
            save(owner, project, texts[place])
        graphs.append(graph_of(project))
    assert graphs[0] == graphs[1] == graphs[2]


def test_an_import_makes_memories_and_children_and_goes_on_where_it_died(
    owner: User, home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "PART_MEMORIES", 2)
    parent = services.import_memories(owner, home, [NewMemory(content=f"Text number {n}.") for n in range(5)])
    make = import_memories._make_children
    calls: list[int] = []

    def dies_in_the_second_batch(task: TaskLog, memories: list[Memory]) -> None:
        calls.append(len(memories))
        make(task, memories)
        if len(calls) == 2:
            raise SystemExit("killed")

    monkeypatch.setattr(import_memories, "_make_children", dies_in_the_second_batch)
    with pytest.raises(SystemExit):
        run(parent)
    assert home.memories.count() == 2
    TaskLog.objects.filter(pk=parent.pk).update(status=Status.PENDING, lease_until=None)
    assert run(parent).status == Status.PROCESSING
    assert calls == [2, 2, 2, 1]
    assert sorted(home.memories.values_list("content", flat=True)) == [f"Text number {n}." for n in range(5)]
    for child in parent.children.all():
        assert run(child).status == Status.COMPLETED
    row = TaskLog.objects.get(pk=parent.pk)
    assert (row.status, row.result, row.done) == (Status.COMPLETED, {"completed": 5, "failed": 0}, 5)


def test_a_cancelled_import_takes_its_children_along_and_its_retry_runs_the_rest(owner: User, home: Project) -> None:
    parent = services.import_memories(owner, home, [NewMemory(content=f"Text number {n}.") for n in range(3)])
    run(parent)
    first = parent.children.order_by("id").first()
    run(first)
    tasks.cancel(TaskLog.objects.get(pk=parent.pk))
    assert sorted(parent.children.values_list("status", flat=True)) == ["cancelled", "cancelled", "completed"]
    again = run(tasks.retry(TaskLog.objects.get(pk=parent.pk)))
    assert again.children.count() == 2
    for child in again.children.all():
        run(child)
    assert TaskLog.objects.get(pk=again.pk).result == {"completed": 2, "failed": 0}
    assert home.memories.count() == 3


def test_messages_become_lines_and_keep_their_ids(owner: User, home: Project) -> None:
    messages = (
        Message(speaker="Ana", content="I moved to Lisbon.", id="m1"),
        Message(speaker="Ben", content="Great!", id="m2"),
    )
    memory = save(owner, home, NewMemory(messages=messages, content_type="conversation"))
    assert memory.content == "Ana: I moved to Lisbon.\nBen: Great!"
    passages = Passage.objects.filter(memory=memory).order_by("position")
    assert [(p.message_id, p.speaker, p.text) for p in passages] == [
        ("m1", "Ana", "I moved to Lisbon."),
        ("m2", "Ben", "Great!"),
    ]
