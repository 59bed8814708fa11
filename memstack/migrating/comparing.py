"""The database against the models, in two steps: what the applied migrations make against what is there, and the
models against the migrations by Django's autodetector.

What the applied migrations make is made: with Django's schema editor, in memory on SQLite, in temporary tables on
PostgreSQL that nobody else sees and that are rolled back. So partial indexes and checks are compared as the database
itself writes them. A migration that makes more than its models say (a full-text index, say) names a function that makes
it too: `beyond_models = staticmethod(function)`, which gets the connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.apps import apps
from django.apps.registry import Apps
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ProjectState
from django.db.utils import load_backend

from memstack.migrating import history, portrait, records
from memstack.migrating.errors import explained
from memstack.migrating.files import label
from memstack.migrating.history import History
from memstack.migrating.portrait import CURRENT, TEMPORARY, Portrait, Table

COLUMN_WORDS = {"type": "has the type {0}, not {1}", "default": "has the default {0}, not {1}"}


def check() -> list[str]:
    """A line for each difference; none when all is well. Trouble when a newer version has been here."""
    with explained():
        reading = history.read(connection)
        reading.refuse_newer()
        return [*_of_history(reading), *_of_models(reading), *_of_database(reading)]


def _of_history(reading: History) -> Iterator[str]:
    for key in reading.pending:
        yield f"{label(key)} is not applied"
    for key in reading.changed:
        yield f"{label(key)} was changed after it was applied on {reading.records[key].applied_at:%Y-%m-%d}"


def _of_models(reading: History) -> Iterator[str]:
    detector = MigrationAutodetector(reading.loader.project_state(), ProjectState.from_apps(apps))
    for app, migrations in sorted(detector.changes(graph=reading.graph).items()):
        for operation in (operation for migration in migrations for operation in migration.operations):
            what = operation.describe()
            yield f"{app}: a model was changed without a migration: {what[:1].lower()}{what[1:]}"


def _of_database(reading: History) -> list[str]:
    if not reading.applied:
        return []
    state = reading.executor.state_of_applied()
    actual = portrait.take(connection)
    expected = _expected(reading, state.apps)
    return list(_differences(expected, actual, _declared(state.apps)))


def _expected(reading: History, models: Apps) -> Portrait:
    if connection.vendor == "sqlite":
        scratch = load_backend(connection.settings_dict["ENGINE"]).DatabaseWrapper(
            {**connection.settings_dict, "NAME": ":memory:"}, "scratch"
        )
        try:
            return _made(scratch, reading, models, CURRENT)
        finally:
            scratch.close()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL search_path TO pg_temp")
        made = _made(connection, reading, models, TEMPORARY)
        transaction.set_rollback(True)
    return made


def _made(scratch: BaseDatabaseWrapper, reading: History, models: Apps, schema: str) -> Portrait:
    """Makes everything in an empty place and looks at it."""
    with scratch.schema_editor(atomic=False) as editor:
        for model in [reading.executor.recorder.Migration, records.model(), *models.get_models()]:
            if model._meta.can_migrate(connection):
                editor.create_model(model)
    for key in reading.order:
        if key in reading.applied and (make := getattr(reading.migration(key), "beyond_models", None)):
            make(scratch)
    return portrait.take(scratch, schema)


def _declared(models: Apps) -> set[str]:
    """The names of indexes and constraints that a model gives itself; the others may differ by a table's history."""
    return {
        part.name
        for model in models.get_models()
        for part in [*model._meta.indexes, *model._meta.constraints]
        if part.name
    }


def _differences(expected: Portrait, actual: Portrait, declared: set[str]) -> Iterator[str]:
    for name in sorted(expected.keys() | actual.keys()):
        if name not in actual:
            if name != records.TABLE:  # it comes with the next `apply`
                yield f"{name}: the table is missing"
        elif name in expected:
            yield from _of_columns(name, expected[name], actual[name])
            yield from _of_parts(name, expected[name], actual[name], declared)
        else:
            yield f"{name}: the table is extra; no migration made it"


def _of_columns(table: str, expected: Table, actual: Table) -> Iterator[str]:
    for name in sorted(expected.columns.keys() | actual.columns.keys()):
        wanted, found = expected.columns.get(name), actual.columns.get(name)
        where = f"{table}.{name}: the column"
        if found is None:
            yield f"{where} is missing"
        elif wanted is None:
            yield f"{where} is extra; no migration made it"
        else:
            for attribute, words in COLUMN_WORDS.items():
                one, other = getattr(found, attribute), getattr(wanted, attribute)
                if one != other:
                    yield f"{where} {words.format(one or 'none', other or 'none')}"
            if found.null != wanted.null:
                yield f"{where} {'may be null, and should not' if found.null else 'may not be null, and should'}"


def _of_parts(table: str, expected: Table, actual: Table, declared: set[str]) -> Iterator[str]:
    """Those with a name of their own by name, the others by what they do."""
    yield from _of_named(table, expected, actual, declared)
    for kind in ("index", "constraint", "trigger"):
        wanted, found = (
            Counter(part.definition for part in of.parts if part.kind == kind and part.name not in declared)
            for of in (expected, actual)
        )
        names = {part.definition: part.name for part in [*actual.parts, *expected.parts]}
        for definition in (wanted - found).elements():
            yield f"{table}: the {kind} {names[definition]} is missing: {definition}"
        for definition in (found - wanted).elements():
            yield f"{table}: the {kind} {names[definition]} is extra; no migration made it: {definition}"


def _of_named(table: str, expected: Table, actual: Table, declared: set[str]) -> Iterator[str]:
    wanted, found = ({part.name: part for part in of.parts if part.name in declared} for of in (expected, actual))
    for name in sorted(wanted.keys() | found.keys()):
        part = wanted.get(name) or found[name]
        if name not in found:
            yield f"{table}: the {part.kind} {name} is missing: {part.definition}"
        elif name not in wanted:
            yield f"{table}: the {part.kind} {name} is extra; no migration made it: {part.definition}"
        elif found[name].definition != part.definition:
            yield f"{table}: the {part.kind} {name} is {found[name].definition}, not {part.definition}"
