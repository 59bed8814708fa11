"""Who may read a channel: active members of its project, and nobody else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django_eventstream.utils import get_channelmanager

from memories.models import Membership, Project
from tasks_app import transitions
from tasks_app.channels import may_read, project_of, readable
from tasks_app.events import project_channel, task_channel
from tasks_app.kinds import Kind

pytestmark = pytest.mark.django_db
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def home() -> Project:
    project = Project.objects.create(name="Home")
    member = User.objects.create(username="alice")
    User.objects.create(username="charlie")
    User.objects.create(username="staff", is_staff=True, is_superuser=True)
    Membership.objects.create(project=project, user=member, role=Membership.Role.VIEWER)
    return project


def channels(home: Project) -> list[str]:
    return [project_channel(home.pk), task_channel(transitions.enqueue(home, Kind.INGEST_EPISODE).pk)]


def user(name: str) -> User:
    return User.objects.get(username=name)


def test_a_member_may_read(home: Project) -> None:
    for channel in channels(home):
        assert may_read(user("alice").pk, channel)
        assert project_of(user("alice").pk, channel) == home.pk


@pytest.mark.parametrize("name", ["charlie", "staff"])
def test_others_may_not(home: Project, name: str) -> None:
    assert not any(may_read(user(name).pk, channel) for channel in channels(home))


def test_an_inactive_member_may_not(home: Project) -> None:
    User.objects.update(is_active=False)
    assert not any(may_read(user("alice").pk, channel) for channel in channels(home))


def test_a_channel_is_judged_by_itself_whoever_asks_for_what_beside_it(home: Project) -> None:
    alice, charlie = user("alice").pk, user("charlie").pk
    task = transitions.enqueue(home, Kind.INGEST_EPISODE)
    other = Project.objects.create(name="Elsewhere")
    Membership.objects.create(project=other, user=user("charlie"), role=Membership.Role.VIEWER)
    asked = [
        (alice, task_channel(task.pk)),
        (charlie, project_channel(task.pk)),  # a task's id as if it were a project's
        (alice, task_channel(home.pk)),
        (alice, project_channel(home.pk)),
        (charlie, project_channel(home.pk)),
        (charlie, project_channel(other.pk)),
        (alice, project_channel(task.pk)),
        (alice, project_channel(other.pk)),
    ]
    assert readable(asked) == {asked[0]: home.pk, asked[3]: home.pk, asked[5]: other.pk}
    assert readable(reversed(asked)) == readable(asked)


@pytest.mark.parametrize(
    "channel",
    [f"task-{NOBODY}", f"project-{NOBODY}", f"user-{NOBODY}", "task-", "project-x", "", f"Project-{NOBODY}", "*"],
)
def test_what_is_not_known_is_denied(home: Project, channel: str) -> None:
    assert not may_read(user("alice").pk, channel)


def test_django_eventstream_asks_the_same(home: Project) -> None:
    manager = get_channelmanager()
    for channel in channels(home):
        assert manager.can_read_channel(user("alice"), channel)
        assert not manager.can_read_channel(user("charlie"), channel)
        assert not manager.can_read_channel(AnonymousUser(), channel)
        assert not manager.can_read_channel(None, channel)
        assert manager.is_channel_reliable(channel)
    assert manager.get_channels_for_request(None, {"channels": channels(home)}) == set()
