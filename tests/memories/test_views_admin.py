"""The admin of the domain: every list opens, takes a fixed number of queries, and edits nothing the pipelines write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.signals import pre_save
from django.test import Client
from django.test.utils import CaptureQueriesContext

from memories.models import Memory, Project
from tests.pages import rows

pytestmark = pytest.mark.django_db

MODELS = [model for app in ("memories", "tasks_app") for model in apps.get_app_config(app).get_models()]
OF_THE_PIPELINES = ("passage", "entity", "entityalias", "mention", "fact", "factsupport", "community", "searchdocument")


def grow(project: Project, count: int) -> None:
    for _ in range(count):
        memory, entity, _ = rows.read_memory(project)
        rows.community(project, entity)
        memory.memory_tags.create(name="tag")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_every_model_has_an_admin_whose_list_takes_a_fixed_number_of_queries(
    admin_client: Client, project: Project, model: type
) -> None:
    options = model._meta  # type: ignore[attr-defined]
    assert admin.site.is_registered(model)
    path = f"/admin/{options.app_label}/{options.model_name}/"

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(path, {"q": ""}).status_code == 200
            assert admin_client.get(path, {"q": "ada"}).status_code == 200
        return len(captured)

    grow(project, 3)
    few = queries()
    grow(project, 12)
    assert queries() == few


@pytest.mark.parametrize("name", OF_THE_PIPELINES)
def test_what_the_pipelines_write_is_not_edited(admin_client: Client, project: Project, name: str) -> None:
    grow(project, 1)
    model = apps.get_model("memories", name)
    assert admin_client.get(f"/admin/memories/{name}/add/").status_code == 403
    row = model._default_manager.first()
    if row is not None:
        path = f"/admin/memories/{name}/{row.pk}/"
        assert admin_client.get(path + "change/").status_code == 200
        assert admin_client.post(path + "change/", {}).status_code == 403
        assert admin_client.post(path + "delete/", {"post": "yes"}).status_code == 403


def test_deleting_a_memory_takes_its_facts_along(admin_client: Client, project: Project) -> None:
    memory, _, _ = rows.read_memory(project)
    path = f"/admin/memories/memory/{memory.pk}/delete/"
    assert "Facts_removed" in admin_client.get(path).content.decode().replace("facts_removed", "Facts_removed")
    admin_client.post(path, {"post": "yes"})
    assert not Memory.objects.exists()
    assert not project.facts.exists()
    assert not project.entities.exists()


def test_projects_and_users_can_be_deleted(admin_client: Client, project: Project) -> None:
    rows.read_memory(project)
    user = rows.owner(project)
    admin_client.post(f"/admin/memories/project/{project.pk}/delete/", {"post": "yes"})
    assert not Project.objects.exists()
    admin_client.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"})
    assert not type(user).objects.filter(pk=user.pk).exists()


def test_a_memory_can_be_read_again(admin_client: Client, project: Project) -> None:
    memory, _, _ = rows.read_memory(project)
    admin_client.post("/admin/memories/memory/", {"action": "read_again", "_selected_action": [str(memory.pk)]})
    memory.refresh_from_db()
    assert memory.task is not None


def in_the_meantime(model: type[Memory | Project], **changes: Any) -> Callable[..., None]:
    """A receiver of pre_save: what a worker writes between a page's reading of the row and its writing."""

    def work(sender: object, instance: Memory | Project, **_: object) -> None:
        model._default_manager.filter(pk=instance.pk).update(**changes)

    return work


def test_a_memory_that_is_published_while_it_is_edited_stays_published(admin_client: Client, project: Project) -> None:
    memory, _, _ = rows.read_memory(project)
    form = {"title": "New", "metadata": "{}", "external_id": "", "source_url": ""}
    publish = in_the_meantime(Memory, generation=7)
    pre_save.connect(publish, sender=Memory)
    try:
        admin_client.post(f"/admin/memories/memory/{memory.pk}/change/", form)
    finally:
        pre_save.disconnect(publish, sender=Memory)
    memory.refresh_from_db()
    assert (memory.title, memory.generation) == ("New", 7)


def test_a_graph_that_changes_while_its_project_is_renamed_stays_changed(
    admin_client: Client, client: Client, alice: User, project: Project
) -> None:
    client.force_login(alice)
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    rebuild = in_the_meantime(Project, graph_version=9, community_generation=5)
    pre_save.connect(rebuild, sender=Project)
    try:
        for name, who, path in (
            ("By admin", admin_client, f"/admin/memories/project/{project.pk}/change/"),
            ("By owner", client, f"/project/{project.pk}/settings"),
        ):
            Project.objects.filter(pk=project.pk).update(graph_version=1, community_generation=1)
            who.post(path, {"name": name, "description": "", **inline})
            project.refresh_from_db()
            assert (project.name, project.graph_version, project.community_generation) == (name, 9, 5)
    finally:
        pre_save.disconnect(rebuild, sender=Project)
