"""What a database has: tables, columns, indexes, constraints and triggers, as values that can be compared.

Django's introspection leaves out what makes an index partial, what a check checks and what a column's default is, and
needs several queries for each table; here it is one query for each kind of thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True)
class Column:
    type: str
    null: bool
    default: str


@dataclass(frozen=True)
class Part:
    """An index, constraint or trigger. `definition` leaves the name out: some names depend on the table's history."""

    kind: str
    name: str
    definition: str


@dataclass
class Table:
    columns: dict[str, Column] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)


Portrait = dict[str, Table]
CURRENT = "current_schema()::regnamespace"
TEMPORARY = "pg_my_temp_schema()"

POSTGRESQL_TABLES = """
SELECT c.relname FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = {schema}
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
POSTGRESQL_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
    trim(concat_ws(' ', pg_get_expr(d.adbin, d.adrelid), a.attidentity::text || a.attgenerated::text))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = {schema} AND a.attnum > 0 AND NOT a.attisdropped
"""
POSTGRESQL_PARTS = """
SELECT c.relname, 'constraint', x.conname, pg_get_constraintdef(x.oid)
FROM pg_constraint x JOIN pg_class c ON c.oid = x.conrelid
WHERE c.relnamespace = {schema} AND x.contype IN ('c', 'f', 'p', 'u', 'x')
UNION ALL
SELECT c.relname, 'index', i.relname, CASE WHEN x.indisvalid THEN '' ELSE 'half made: ' END || pg_get_indexdef(i.oid)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
WHERE c.relnamespace = {schema}
    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype <> 'f')
UNION ALL
SELECT c.relname, 'trigger', t.tgname, pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = {schema} AND NOT t.tgisinternal
"""
SQLITE_TABLES = (
    "SELECT name, coalesce(sql, '') FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)
SQLITE_COLUMNS = f"""
SELECT t.name, x.name, lower(x.type), NOT x."notnull",
    coalesce(x.dflt_value, '') || CASE WHEN x.hidden > 1 THEN 'g' ELSE '' END
FROM ({SQLITE_TABLES}) t, pragma_table_xinfo(t.name) x WHERE x.hidden <> 1
"""  # noqa: S608
SQLITE_PARTS = f"""
SELECT tbl_name, type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL
UNION ALL
SELECT t.name, 'constraint', '', 'foreign key (' || x."from" || ') references ' || x."table" || '(' || x."to" || ')'
FROM ({SQLITE_TABLES}) t, pragma_foreign_key_list(t.name) x
UNION ALL
SELECT t.name, 'constraint', '',
    CASE x.origin WHEN 'pk' THEN 'primary key' ELSE 'unique' END || ' (' || (
        SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(x.name) ORDER BY seqno)) || ')'
FROM ({SQLITE_TABLES}) t, pragma_index_list(t.name) x WHERE x.origin IN ('u', 'pk')
"""  # noqa: S608
CHECK = re.compile(r'(?:CONSTRAINT "([^"]+)" )?CHECK \(', re.IGNORECASE)
INDEX = re.compile(r"^(half made: )?CREATE (UNIQUE )?INDEX .*? ON [^(]*?(USING [a-z]+ )?(\(.*)$", re.DOTALL)


def take(connection: BaseDatabaseWrapper, schema: str = CURRENT) -> Portrait:
    """The portrait of a database; on PostgreSQL of one schema of it."""
    portrait = {name: Table() for name in tables(connection, schema)}
    postgresql = connection.vendor == "postgresql"
    columns, parts = (POSTGRESQL_COLUMNS, POSTGRESQL_PARTS) if postgresql else (SQLITE_COLUMNS, SQLITE_PARTS)
    for table, name, kind, null, default in _rows(connection, columns, schema):
        if table in portrait:
            portrait[table].columns[name] = Column(kind, bool(null), default)
    for table, kind, name, definition in _rows(connection, parts, schema):
        if table in portrait:
            portrait[table].parts.append(Part(kind, name, _without_names(definition, kind)))
    if not postgresql:
        for table, sql in _rows(connection, SQLITE_TABLES, schema):
            portrait[table].parts.extend(_checks(sql))
    return portrait


def tables(connection: BaseDatabaseWrapper, schema: str = CURRENT) -> list[str]:
    """The names of the tables, without those of the database itself and its extensions."""
    query = POSTGRESQL_TABLES if connection.vendor == "postgresql" else SQLITE_TABLES
    return [row[0] for row in _rows(connection, query, schema)]


def _rows(connection: BaseDatabaseWrapper, query: str, schema: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query.replace("{schema}", schema))
        return list(cursor.fetchall())


def _without_names(definition: str, kind: str) -> str:
    """An index without its own name and its table's, which PostgreSQL writes with the schema; all without quotes."""
    if kind == "index" and (match := INDEX.match(definition)):
        definition = "".join(group or "" for group in match.groups())
    return " ".join(definition.replace('"', "").split())


def _checks(sql: str) -> Iterator[Part]:
    """The checks in a CREATE TABLE of SQLite, which keeps them nowhere else."""
    for match in CHECK.finditer(sql):
        definition = f"CHECK ({_balanced(sql[match.end() :])}"
        yield Part("constraint", match[1] or "", _without_names(definition, "constraint"))


def _balanced(text: str) -> str:
    """Up to the bracket that closes one opened before; brackets in quotes do not count."""
    depth, quote = 1, ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += {"(": 1, ")": -1}.get(character, 0)
            if not depth:
                return text[: place + 1]
    return text
