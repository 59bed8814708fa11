"""The shape of the code, checked by machine: who may import, send, write what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [path for app in ("memstack", "tasks_app", "memories") for path in sorted((ROOT / app).rglob("*.py"))]
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
STATUS_WRITERS = {"tasks_app/transitions.py"}
GRAPH_MODELS = {"Entity", "EntityAlias", "Fact", "FactSupport", "Mention", "Community", "CommunityMembership"}
WRITES = {"create", "bulk_create", "update_or_create", "get_or_create", "bulk_update"}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def places(wanted: str) -> set[str]:
    return {path for path, tree in TREES.items() for call in calls(tree) if name_of(call.func) == wanted}


def test_only_the_doorbell_sends_celery_messages() -> None:
    assert places("send_task") == {"tasks_app/doorbell.py"}
    assert not places("delay") | places("apply_async")


def test_only_events_writes_and_announces_events() -> None:
    assert places("send_event") == {"tasks_app/events.py"}
    makers = {path for path in places("TaskEvent") if "/migrations/" not in path}
    assert makers == {"tasks_app/events.py"}


def test_only_transitions_changes_a_status() -> None:
    found = {
        path
        for path, tree in TREES.items()
        for call in calls(tree)
        if name_of(call.func) in {"update", "_change", "_terminal", "_end"}
        and any(keyword.arg == "status" for keyword in call.keywords)
    }
    assert found - {"memories/api/idempotency.py"} == STATUS_WRITERS
    assigned = {
        path
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(name_of(target) == "status" for target in node.targets)
        if any(isinstance(target, ast.Attribute) and name_of(target.value) == "task" for target in node.targets)
    }
    assert not assigned


def graph_writes(tree: ast.AST) -> Iterator[str]:
    """Models of the graph that the tree writes through their manager."""
    for call in calls(tree):
        node: ast.expr = call.func
        if not isinstance(node, ast.Attribute) or node.attr not in WRITES:
            continue
        while isinstance(node, ast.Attribute):
            node = node.value
        if isinstance(node, ast.Name) and node.id in GRAPH_MODELS:
            yield node.id


def test_only_the_graph_package_writes_the_graph() -> None:
    writers = {path for path, tree in TREES.items() if any(graph_writes(tree))}
    assert writers
    assert all(path.startswith("memories/graph/") for path in writers), writers
    importers = {
        path for path, tree in TREES.items() if "'bulk'" in ast.dump(tree) and "memories.graph" in ast.dump(tree)
    }
    assert all(path.startswith("memories/graph/") for path in importers), importers


@pytest.mark.parametrize("path", [path for path in TREES if path.startswith("memories/engine/")])
def test_the_engine_knows_no_framework(path: str) -> None:
    modules = {
        name
        for node in ast.walk(TREES[path])
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    roots = {module.split(".")[0] for module in modules}
    assert not roots & {"django", "celery", "redis", "rest_framework", "kombu", "psycopg", "tasks_app", "memstack"}


def test_task_arguments_are_json() -> None:
    settings = (ROOT / "memstack/settings.py").read_text(encoding="utf-8")
    assert 'CELERY_ACCEPT_CONTENT = ["json"]' in settings
    assert not any("pickle" in ast.dump(tree) for tree in TREES.values())
