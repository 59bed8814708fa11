"""The streams of a project and of all of one's projects, from the table alone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from memories.models import Project
from tasks_app.models import TaskEvent, TaskLog
from tasks_app.streams import table
from tests.tasks_app.streams_harness import (
    World,
    assert_problem,
    orm,
    world,
)

__all__ = ["world"]
pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = "00000000-0000-7000-8000-000000000000"


# --- a project's stream


async def test_a_project_begins_now_and_counts_all_its_tasks(world: World) -> None:
    first = await world.running()
    reader = world.read_project()
    await reader.until(lambda: len(reader.blocks()) == 2)
    assert reader.last_id == f"project-{world.project.pk}:2"  # no event, but a place to come back to
    second = await world.task()
    await world.complete(first)
    await reader.until(lambda: len(reader.events()) == 2)
    assert [(kind, data["id"]) for kind, _, data in reader.events()] == [
        ("progress", str(second.pk)),
        ("completed", str(first.pk)),
    ]
    assert reader.numbers() == [3, 4]
    assert not reader.ended


async def test_a_project_replays_from_a_place(world: World) -> None:
    await world.running(advances=3)
    reader = world.read_project(last=0, user="bob")
    await reader.until(lambda: len(reader.events()) == 5)
    assert reader.numbers() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("last", [1, 77])
async def test_a_project_resets_who_is_older_than_kept_or_ahead(world: World, last: int) -> None:
    task = await world.running(advances=2)
    await orm(TaskEvent.objects.filter(task=task, project_seq__lt=3).delete)
    reader = world.read_project(last=last)
    assert await reader.next() == ("reset", f"project-{world.project.pk}:4", {})
    await world.advance(task)
    await reader.next()
    assert reader.numbers() == [4, 5]


async def test_a_long_replay_comes_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table.later, "__defaults__", (3,))
    await world.running(advances=8)
    reader = world.read_project(last=0)
    await reader.until(lambda: len(reader.events()) == 10)
    assert reader.numbers() == list(range(1, 11))


@pytest.mark.parametrize("identifier", [NOBODY, "abc"])
async def test_an_unknown_project_is_404(world: World, identifier: str) -> None:
    reader = world.read(f"projects/{identifier}/stream")
    await reader.end()
    assert_problem(reader, 404)


async def test_another_tenants_project_is_404(world: World) -> None:
    reader = world.read_project(user="charlie")
    await reader.end()
    assert_problem(reader, 404)


# --- all projects


async def test_all_projects_of_the_user_come_and_nobody_elses(world: World) -> None:
    second, foreign = await orm(_projects, world)
    reader = world.read("stream")
    await reader.until(lambda: len(reader.blocks()) == 2)
    for project in (world.project, second, foreign, second):
        await world.task(project)
    await reader.until(lambda: len(reader.events()) == 3)
    await reader.quiet()
    assert sorted(_places(reader.last_id).values()) == [1, 2]


async def test_all_projects_are_resumed_each_from_its_place(world: World) -> None:
    second, _ = await orm(_projects, world)
    reader = world.read("stream", last=f"project-{world.project.pk}:0,project-{second.pk}:0")
    for project in (world.project, second, world.project, second):
        await world.task(project)
    await reader.until(lambda: len(reader.events()) >= 2)
    place = reader.events()[1][1]
    had = [data["id"] for _, _, data in reader.events()[:2]]
    again = world.read("stream", last=place)
    await again.until(lambda: len(again.events()) == 2)
    seen = had + [data["id"] for _, _, data in again.events()]
    assert sorted(seen) == sorted(
        str(each) for each in await orm(lambda: list(TaskLog.objects.values_list("pk", flat=True)))
    )


async def test_a_new_project_joins_the_stream_of_all(world: World) -> None:
    reader = world.read("stream")
    await reader.until(lambda: len(reader.blocks()) == 2)
    second, _ = await orm(_projects, world)
    await world.task(second)
    await reader.next()
    assert _places(reader.last_id)[f"project-{second.pk}"] == 1


async def test_a_project_with_a_history_joins_with_a_reset(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "SHORT", 2)
    _, foreign = await orm(_projects, world)
    for _ in range(3):
        await world.task(foreign)
    reader = world.read("stream", last=f"project-{world.project.pk}:0")
    await reader.until(lambda: len(reader.blocks()) == 2)
    await orm(world.join, "alice", foreign)
    kind, identifier, _ = await reader.next()
    assert kind == "reset"
    assert _places(identifier or "")[f"project-{foreign.pk}"] == 3


async def test_all_projects_can_be_limited_to_some(world: World) -> None:
    second, foreign = await orm(_projects, world)
    reader = world.read("stream", query=f"project={second.pk}&project={foreign.pk}&lastEventId=project-{second.pk}:0")
    await reader.until(lambda: len(reader.blocks()) == 2)
    for project in (world.project, foreign, second):
        await world.task(project)
    await reader.next()
    await reader.quiet()
    assert _places(reader.last_id) == {f"project-{second.pk}": 1}
    await orm(world.join, "alice", foreign)  # a right that comes later is heeded, within the limits
    await reader.next()
    assert _places(reader.last_id) == {f"project-{second.pk}": 1, f"project-{foreign.pk}": 1}


@pytest.mark.parametrize("identifier", [NOBODY, "nonsense"])
async def test_limited_to_no_project_of_ones_own_is_404(world: World, identifier: str) -> None:
    reader = world.read("stream", query=f"project={identifier}")
    await reader.end()
    assert_problem(reader, 404)


async def test_staff_see_all_projects(world: World) -> None:
    await orm(User.objects.filter(username="charlie").update, is_staff=True)
    reader = world.read("stream", user="charlie")
    await reader.until(lambda: len(reader.blocks()) == 2)
    await world.task()
    await reader.next()


def _projects(world: World) -> tuple[Project, Project]:
    second, foreign = Project.objects.create(name="Second"), Project.objects.create(name="Foreign")
    world.join("alice", second)
    world.join("charlie", foreign)
    return second, foreign


def _places(identifier: str) -> dict[str, int]:
    return {channel: int(number) for channel, number in (part.split(":") for part in identifier.split(","))}
