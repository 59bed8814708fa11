"""The way back: what will be undone, which data go with it, and the undoing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps.registry import Apps
from django.conf import settings
from django.db import connection
from django.db.migrations import AddField, CreateModel, Migration
from django.db.models import Field, Model

from memstack.migrating import applying, history
from memstack.migrating.errors import Exit, Trouble, explained
from memstack.migrating.files import key_of
from memstack.migrating.history import History, Plan
from memstack.migrating.lock import alone_with_the_schema

Say = Callable[[str], None]
ZERO = "zero"
EMPTY_MAKERS = (dict, list)


@dataclass(frozen=True)
class Loss:
    """Rows of a table that goes, or values of a column that goes."""

    what: str
    rows: int

    def __str__(self) -> str:
        return f"{self.what}: {self.rows:,}"


def rollback(app: str, name: str, say: Say, ask: Callable[[], bool]) -> int:
    """Undoes every migration after that one (`zero`: all of the app); returns how many. Trouble when it can't.

    Says the plan and what is lost, then asks; nothing happens when the answer is no.
    """
    with explained():
        plan = _plan(history.read(connection), app, name)
        if not plan:
            return 0
        _tell(plan, say)
        if not ask():
            raise Trouble(Exit.REFUSED, "Nothing was changed.")
        with alone_with_the_schema(connection, say, settings.MEMSTACK_MIGRATION_WAIT):
            reading = history.read(connection)
            again = _plan(reading, app, name)
            if _keys(again) != _keys(plan):
                raise Trouble(Exit.REFUSED, "The plan has changed meanwhile, so nothing was done; look at it again.")
            reading.executor.say = say
            reading.executor.records.ensure_table()
            applying.adopt(reading)
            with applying.short_locks():
                applying.migrate(reading.executor, again)
            return len(again)


def _plan(reading: History, app: str, name: str) -> Plan:
    reading.refuse_newer()
    reading.refuse_unknown_app(app)
    plan = reading.executor.migration_plan([_target(reading, app, name)])
    for migration, _ in plan:
        _refuse_irreversible(migration)
    return plan


def _target(reading: History, app: str, name: str) -> tuple[str, str | None]:
    if name == ZERO:
        return (app, None)
    key = key_of(reading.find(app, name))
    if key not in reading.applied:
        raise Trouble(
            Exit.ARGUMENTS, f"{app}.{key[1]} is not applied, so there is no way back to it. Nothing was changed."
        )
    return key


def _refuse_irreversible(migration: Migration) -> None:
    for operation in migration.operations:
        if not operation.reversible:
            raise Trouble(
                Exit.REFUSED,
                f"{migration} can't be undone: there is no way back from “{operation.describe()}”. Restore a back-up "
                "from before it. Nothing was changed.",
            )


def _keys(plan: Plan) -> list[tuple[str, str]]:
    return [key_of(migration) for migration, _ in plan]


def _tell(plan: Plan, say: Say) -> None:
    say(f"{len(plan)} migrations would be undone, in this order:")
    for migration, _ in plan:
        say(f"  {migration}")
        for operation in reversed(migration.operations):
            say(f"    undo: {operation.describe()}")
    lost = list(losses(plan))
    say("These data would be lost, rows or values of each:" if lost else "No data would be lost.")
    for loss in lost:
        say(f"  {loss}")


def losses(plan: Plan) -> Iterator[Loss]:
    """The data that a plan backwards destroys, counted now."""
    models = history.read(connection).executor.loader.project_state(nodes=_applied_leaves()).apps
    gone = {_model_key(migration, operation.name) for migration, operation in _operations(plan, CreateModel)}
    for migration, operation in _operations(plan, CreateModel):
        if (model := _model(models, migration, operation.name)) and (rows := _manager(model).count()):
            yield Loss(f"table {model._meta.db_table}", rows)
    for migration, operation in _operations(plan, AddField):
        if _model_key(migration, operation.model_name) not in gone:
            yield from _values(_model(models, migration, operation.model_name), operation.name)


def _applied_leaves() -> Any:
    """Every applied migration: their state is what the tables are now."""
    reading = history.read(connection)
    return [key for key in reading.order if key in reading.applied]


def _operations(plan: Plan, kind: type) -> Iterator[tuple[Migration, Any]]:
    return (
        (migration, operation)
        for migration, _ in plan
        for operation in migration.operations
        if isinstance(operation, kind)
    )


def _model_key(migration: Migration, name: str) -> tuple[str, str]:
    return (migration.app_label, name.lower())


def _model(models: Apps, migration: Migration, name: str) -> type[Model] | None:
    """As the tables are now; None when a later migration has removed or renamed it, so that nothing is left to lose."""
    try:
        model = models.get_model(migration.app_label, name)
    except LookupError:
        return None
    return model if model._meta.can_migrate(connection) else None


def _manager(model: type[Model]) -> Any:
    return model._base_manager.using(connection.alias)


def _values(model: type[Model] | None, name: str) -> Iterator[Loss]:
    """The values of a column that say something: neither null nor its default."""
    field = next((field for field in model._meta.get_fields() if field.name == name), None) if model else None
    if model is None or field is None or not isinstance(field, Field):
        return
    if field.many_to_many:
        through: Any = field.remote_field.through  # type: ignore[union-attr]
        found, what = _manager(through).count(), f"table {through._meta.db_table}"
    else:
        rows = _manager(model).exclude(**{f"{name}__isnull": True})
        found, what = _without_default(rows, field).count(), f"column {model._meta.db_table}.{field.column}"
    if found:
        yield Loss(what, found)


def _without_default(rows: Any, field: Any) -> Any:
    made = field.default in EMPTY_MAKERS
    if not field.has_default() or (callable(field.default) and not made):
        return rows
    return rows.exclude(**{field.name: field.get_default()})
