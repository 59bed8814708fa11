"""Which SQL locks or rewrites a table in use, or breaks the version of MemStack that still runs.

Used before a migration of a large table, to tell that it may take long, and by the check of migrations in `make lint`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration, RunPython
from django.db.migrations.state import ProjectState

Say = Callable[[str], None]
TABLE = r'(?:ONLY )?"?(?P<table>\w+)"?'


@dataclass(frozen=True)
class Rule:
    """`heavy`: its time grows with the table, which is locked meanwhile. `breaks`: the version before can't go on."""

    code: str
    pattern: re.Pattern[str]
    effect: str
    heavy: bool = True
    breaks: bool = True


@dataclass(frozen=True)
class Hazard:
    rule: Rule
    table: str


def _rule(code: str, pattern: str, effect: str, *, heavy: bool = True, breaks: bool = True) -> Rule:
    return Rule(code, re.compile(pattern.replace("TABLE_", TABLE), re.IGNORECASE | re.DOTALL), effect, heavy, breaks)


POSTGRESQL = (
    _rule(
        "index", r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*? ON TABLE_", "keeps writers out while it makes an index"
    ),
    _rule(
        "unique",
        r"ALTER TABLE TABLE_ ADD CONSTRAINT \S+ (?:UNIQUE|PRIMARY KEY|EXCLUDE)(?! USING INDEX)",
        "keeps readers and writers out while it makes a unique index",
    ),
    _rule(
        "constraint",
        r"ALTER TABLE TABLE_ ADD CONSTRAINT \S+ (?:CHECK|FOREIGN KEY)(?!.*NOT VALID)",
        "keeps writers out while it looks at every row",
    ),
    _rule(
        "type", r"ALTER TABLE TABLE_ .*ALTER COLUMN \S+ TYPE", "rewrites the table and keeps everybody out meanwhile"
    ),
    _rule(
        "not-null",
        r"ALTER TABLE TABLE_ .*ALTER COLUMN \S+ SET NOT NULL",
        "keeps everybody out while it looks at every row",
    ),
    _rule(
        "stored", r"ALTER TABLE TABLE_ ADD COLUMN .*\bSTORED\b", "rewrites the table and keeps everybody out meanwhile"
    ),
    _rule("reference", r"ALTER TABLE TABLE_ ADD COLUMN .*\bREFERENCES\b", "looks at every row", breaks=False),
    _rule("update", r"UPDATE TABLE_ SET", "writes many rows in one transaction"),
)
SQLITE = (
    _rule("rewrite", r'CREATE TABLE "new__(?P<table>\w+)"', "rewrites the table"),
    _rule("rewrite", r"ALTER TABLE TABLE_ DROP COLUMN", "rewrites the table"),
    _rule("index", r"CREATE (?:UNIQUE )?INDEX .*? ON TABLE_", "reads the whole table for an index"),
    _rule("update", r"UPDATE TABLE_ SET", "writes many rows in one transaction"),
)
BREAKING = (
    _rule("rename", r"ALTER TABLE TABLE_ RENAME (?!CONSTRAINT)", "renames what the version before uses", heavy=False),
    _rule("drop", r"ALTER TABLE TABLE_ DROP COLUMN", "drops a column that the version before uses", heavy=False),
    _rule("drop", r"DROP TABLE TABLE_", "drops a table that the version before uses", heavy=False),
)
ADDED = _rule(
    "not-null-column",
    r'ALTER TABLE TABLE_ ADD COLUMN "(?P<column>\w+)" (?P<rest>.*)',
    "adds a column that the version before does not fill and that may not be null",
    heavy=False,
)
CREATED = re.compile(r'CREATE TABLE "(\w+)"')


def find(statements: Iterable[str], vendor: str) -> list[Hazard]:
    """The hazards of a migration's SQL, each once; a table that the migration makes itself has none."""
    statements = list(statements)
    rules = (*(POSTGRESQL if vendor == "postgresql" else SQLITE), *BREAKING)
    created = {name for statement in statements for name in CREATED.findall(statement)}
    found = [
        Hazard(rule, match["table"])
        for statement in statements
        for rule in rules
        if (match := rule.pattern.match(statement.strip()))
    ]
    found += _added(statements)
    return [hazard for hazard in dict.fromkeys(found) if hazard.table not in created]


def _added(statements: list[str]) -> Iterator[Hazard]:
    """Columns that are not null and keep no default: what the old version inserts is refused."""
    dropped = " ".join(statement for statement in statements if "DROP DEFAULT" in statement)
    for statement in statements:
        match = ADDED.pattern.match(statement.strip())
        if match and re.search(r"(?<!IS )NOT NULL", match["rest"]):
            has_default = re.search(r"\bDEFAULT\b|\bIDENTITY\b|\bGENERATED\b", match["rest"])
            if not has_default or f'ALTER COLUMN "{match["column"]}" DROP DEFAULT' in dropped:
                yield Hazard(ADDED, match["table"])


class Watch:
    """Tells before a migration that works long on a large table."""

    def __init__(self, connection: BaseDatabaseWrapper, say: Say) -> None:
        self.connection, self.say = connection, say
        self.large = large_tables(connection, settings.MEMSTACK_LARGE_TABLE_ROWS)

    def tell(self, migration: Migration, state: ProjectState) -> None:
        if not self.large:
            return
        for hazard in find(collected(self.connection, migration, state), self.connection.vendor):
            if hazard.rule.heavy and hazard.table in self.large:
                rows = f"{hazard.table} (about {self.large[hazard.table]:,} rows)"
                self.say(f"{migration} {hazard.rule.effect}: {rows}; it may take long, and others wait meanwhile.")
        if any(isinstance(operation, RunPython) for operation in migration.operations):
            self.say(f"{migration} runs a program over the data; it may take long.")


def collected(connection: BaseDatabaseWrapper, migration: Migration, state: ProjectState) -> list[str]:
    """The SQL that a migration would run; a program of its own (RunPython) is not seen."""
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(state.clone(), editor, collect_sql=True)
    return [statement for statement in editor.collected_sql if not statement.startswith("--")]


def large_tables(connection: BaseDatabaseWrapper, least: int) -> dict[str, int]:
    """The tables with about `least` rows or more, with their number: a guess that needs no reading of the tables."""
    guess = _guesses_of_postgresql if connection.vendor == "postgresql" else _guesses_of_sqlite
    return {table: rows for table, rows in guess(connection) if rows >= least}


def _guesses_of_postgresql(connection: BaseDatabaseWrapper) -> Iterator[tuple[str, int]]:
    """What the last ANALYZE counted; before the first, as if every page were full of rows of 200 bytes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, CASE WHEN reltuples >= 0 THEN reltuples ELSE pg_relation_size(oid) / 200 END::bigint "
            "FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"
        )
        yield from cursor.fetchall()


def _guesses_of_sqlite(connection: BaseDatabaseWrapper) -> Iterator[tuple[str, int]]:
    """The highest row number, which SQLite finds at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' "
            "AND sql NOT LIKE '%WITHOUT ROWID%'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(max(rowid), 0) FROM {connection.ops.quote_name(table)}")  # noqa: S608
            yield table, cursor.fetchone()[0]
