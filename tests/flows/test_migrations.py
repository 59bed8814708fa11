"""`manage_migrations` with real processes, on SQLite and PostgreSQL: together, killed, forward and back, beside a live
MemStack, and against databases that somebody has changed by hand.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.postgres import Server
from tests.stack import ROOT, Stack, wait_for
from tests.versions import Version

pytestmark = pytest.mark.flow
VENDORS = ["sqlite", "postgresql"]
LISTED = re.compile(r"^  \[(.)\] (\w+)", re.MULTILINE)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Version:
    """This version on a database with all its tables; tests change nothing in it, or take a copy."""
    folder = tmp_path_factory.mktemp("template")
    folder.chmod(0o700)
    environment = {"MEMSTACK_DATA_DIR": str(folder)}
    if request.param == "postgresql":
        environment["DATABASE_URL"] = request.getfixturevalue("postgres").new_database("migrations")
    version = Version(ROOT, environment)
    version.migrations("create")
    return version


@pytest.fixture
def environment(request: pytest.FixtureRequest, template: Version, tmp_path: Path) -> dict[str, str]:
    """A data folder and an empty database of its own, on each of the two."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    if is_sqlite(template):
        return {"MEMSTACK_DATA_DIR": str(folder)}
    server: Server = request.getfixturevalue("postgres")
    return {"MEMSTACK_DATA_DIR": str(folder), "DATABASE_URL": server.new_database(name_for(tmp_path))}


@pytest.fixture
def empty(environment: dict[str, str]) -> Version:
    """This version of MemStack on an empty database."""
    return Version(ROOT, environment)


@pytest.fixture
def here(request: pytest.FixtureRequest, template: Version, environment: dict[str, str], tmp_path: Path) -> Version:
    """This version of MemStack on a database of its own with all its tables."""
    if is_sqlite(template):
        name = "memstack.sqlite3"
        shutil.copy(Path(template.environment["MEMSTACK_DATA_DIR"], name), environment["MEMSTACK_DATA_DIR"])
    else:
        server: Server = request.getfixturevalue("postgres")
        with psycopg.connect(server.admin_url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name_for(tmp_path)}".encode())
            admin.execute(f"CREATE DATABASE {name_for(tmp_path)} TEMPLATE migrations".encode())
    return Version(ROOT, environment)


@pytest.fixture
def newer(environment: dict[str, str], tmp_path: Path) -> Version:
    """A newer version on the same database."""
    return Version.copied(tmp_path / "newer", environment)


def name_for(folder: Path) -> str:
    return f"m{zlib.crc32(str(folder).encode()):x}"


def is_sqlite(version: Version) -> bool:
    return "DATABASE_URL" not in version.environment


def steps(version: Version) -> dict[str, dict[str, Any]]:
    """The migrations that `status --json` tells of, by app and name."""
    status = json.loads(version.migrations("status", "--json"))
    return {f"{step['app']}.{step['name']}": step for step in status["migrations"]}


def rows(version: Version) -> Iterator[tuple[Any, ...]]:
    """Our records, read past the product."""
    query = "SELECT app, name, host, version, checksum, seconds, settled FROM memstack_migrations"
    if is_sqlite(version):
        with sqlite3.connect(Path(version.environment["MEMSTACK_DATA_DIR"]) / "memstack.sqlite3") as connection:
            yield from connection.execute(query).fetchall()
    else:
        with psycopg.connect(libpq(version.environment["DATABASE_URL"])) as server:
            yield from server.execute(query).fetchall()


def libpq(url: str) -> str:
    parts = urlsplit(url)
    return f"host={parts.query.removeprefix('host=')} user=postgres dbname={parts.path.strip('/')}"


# --- together
@pytest.mark.slow
def test_ten_processes_at_once_make_the_tables_once(empty: Version) -> None:
    processes = [empty.start("manage_migrations", "apply") for _ in range(10)]
    printed = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 10, printed
    count = len(steps(empty))
    applied = [line for text in printed for line in text.splitlines() if line.startswith("Applied ")]
    assert len(applied) == len({line.split()[1] for line in applied}) == count
    assert sum(f"{count} migrations applied." in text for text in printed) == 1
    assert sum("Nothing to apply." in text for text in printed) == 9
    assert empty.migrations("check") == "The database is as the models say.\n"


@pytest.mark.slow
def test_nine_wait_while_one_works(here: Version, newer: Version) -> None:
    newer.add_migration("memories", "slow", "migrations.RunPython(slowly, slowly)", before=SLOWLY)
    processes = [newer.start("manage_migrations", "apply") for _ in range(10)]
    said = [process.stdout.readline() for process in processes if process.stdout]
    assert sum(line.startswith("Another process is changing the tables") for line in said) == 9, said
    folder = Path(newer.environment["MEMSTACK_DATA_DIR"])
    (folder / "go").touch()
    printed = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 10, printed
    assert sum("1 migrations applied." in text for text in printed) == 1
    assert (folder / "ran").read_text() == "x"


@pytest.mark.slow
def test_who_waits_too_long_says_so_and_changes_nothing(here: Version, newer: Version) -> None:
    newer.add_migration("memories", "slow", "migrations.RunPython(slowly, slowly)", before=SLOWLY)
    first = newer.start("manage_migrations", "apply")
    folder = Path(newer.environment["MEMSTACK_DATA_DIR"])
    wait_for(lambda: (folder / "ran").exists() or None, 120)
    newer.environment["MEMSTACK_MIGRATION_WAIT"] = "0"
    said = newer.migrations("apply", status=6)
    assert "Another process has been changing the tables" in said
    assert "MEMSTACK_MIGRATION_WAIT" in said
    (folder / "go").touch()
    first.communicate(timeout=300)
    assert first.returncode == 0


# --- killed
@pytest.mark.slow
def test_killed_in_the_middle_of_a_migration_and_applied_again(here: Version, newer: Version) -> None:
    before = here.portrait()
    name = newer.add_migration(
        "memories", "halfway", f"{ADD_NOTE}, migrations.RunPython(slowly, slowly)", before=SLOWLY
    )
    newer.change("memories/models/projects.py", PROJECT_FIELD, f"{NOTE_FIELD}\n{PROJECT_FIELD}")
    process = newer.start("manage_migrations", "apply")
    wait_for(lambda: Path(newer.environment["MEMSTACK_DATA_DIR"], "ran").exists() or None, 120)
    process.kill()
    process.communicate()
    wait_for(lambda: True if here.portrait() == before else None, 120, lambda: "something was kept")
    assert newer.migrations("status").count("pending\n") == 1
    Path(newer.environment["MEMSTACK_DATA_DIR"], "go").touch()
    assert f"Applied memories.{name}" in newer.migrations("apply")
    assert newer.migrations("check") == "The database is as the models say.\n"


@pytest.mark.slow
def test_tables_and_the_row_that_tells_of_them_are_one_transaction(here: Version, newer: Version) -> None:
    """What is left when a process ends after the last table and index, and before Django's row."""
    newer.add_migration("memories", "linked", CREATE_LINKED)
    before = here.portrait()
    assert "ends here" in newer.python(ENDS_BEFORE_THE_ROW)
    assert here.portrait() == before
    assert "1 migrations applied." in newer.migrations("apply")


@pytest.mark.slow
@pytest.mark.parametrize("after", [2, 29])
def test_killed_in_a_first_start_and_applied_again(empty: Version, after: int) -> None:
    process = empty.start("manage_migrations", "apply")
    assert process.stdout is not None
    for _ in range(after + 1):
        process.stdout.readline()
    process.kill()
    process.communicate()
    assert int(empty.migrations("status").splitlines()[-1].split()[0]) >= after
    empty.migrations("apply")
    assert empty.migrations("check") == "The database is as the models say.\n"


@pytest.mark.slow
def test_what_a_kill_left_undone_after_the_last_migration_is_done_at_the_next_start(here: Version) -> None:
    """Receivers of post_migrate put triggers back, and make permissions."""
    here.sql("DELETE FROM auth_permission", "UPDATE memstack_migrations SET settled = FALSE WHERE app = 'memories'")
    if is_sqlite(here):
        here.sql("DROP TRIGGER memories_searchdocument_fts_insert")
        assert "memories_searchdocument_fts_insert is missing" in here.migrations("check", status=1)
    assert here.migrations("apply") == "Nothing to apply.\n"
    assert int(here.python("from django.contrib.auth.models import Permission; print(Permission.objects.count())")) > 50
    assert here.migrations("check") == "The database is as the models say.\n"
    assert all(row[-1] for row in rows(here))


# --- forward and back
@pytest.mark.slow
def test_every_migration_back_and_forward_with_rows_in_the_tables(here: Version) -> None:
    environment = here.environment | {"PYTHONPATH": str(ROOT)}
    printed = Version(ROOT, environment).python("from tests import there_and_back; there_and_back.run()").splitlines()
    assert printed[-1] == "same"
    assert int(printed[0].split()[0]) >= 19


@pytest.mark.slow
def test_the_way_back_tells_what_is_lost_and_asks(here: Version, newer: Version) -> None:
    name = newer.add_migration("memories", "notes", f"{ADD_NOTE}, {CREATE_EXTRA}")
    last = sorted(key for key in steps(here) if key.startswith("memories."))[-1].split(".")[1]
    newer.migrations("apply")
    newer.sql(INSERT_PROJECT, "UPDATE memories_project SET note = 'kept by hand'", "INSERT INTO extra VALUES (1), (2)")
    before = newer.portrait()
    said = newer.migrations("rollback", "memories", last, status=8)
    assert "1 migrations would be undone" in said
    assert f"memories.{name}" in said
    assert "column memories_project.note: 1" in said
    assert "table extra: 2" in said
    assert "say --yes" in said
    assert newer.portrait() == before
    assert f"Undid memories.{name}" in newer.migrations("rollback", "memories", last, "--yes")
    assert here.migrations("check") == "The database is as the models say.\n"
    assert "Nothing to undo." in here.migrations("rollback", "memories", last, "--yes")
    assert not [row for row in rows(here) if row[1] == name]


@pytest.mark.slow
def test_what_cannot_be_undone_is_refused(here: Version, newer: Version) -> None:
    newer.add_migration("memories", "one_way", "migrations.RunSQL('SELECT 1')")
    newer.migrations("apply")
    before = newer.portrait()
    said = newer.migrations("rollback", "tasks_app", "zero", "--yes", status=8)
    assert "one_way can't be undone" in said
    assert "Raw SQL" in said
    assert newer.portrait() == before


# --- beside a live MemStack
@pytest.mark.slow
@pytest.mark.parametrize("vendor", VENDORS)
def test_the_old_version_works_on_during_an_additive_migration(
    vendor: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.getfixturevalue("postgres").new_database("beside") if vendor == "postgresql" else ""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with Stack(folder=folder, database_url=database) as stack:
        newer = Version.copied(tmp_path / "newer", stack.environment)
        newer.add_migration("memories", "notes", f"{ADD_NOTE}, {CREATE_EXTRA}")
        newer.add_migration("tasks_app", "counts", ADD_COUNT)
        newer.add_migration("memories", "index", ADD_INDEX, before=IMPORT_OPERATIONS, attributes="atomic = False")
        newer.add_migration("memories", "unsure", ADD_CHECK, before=IMPORT_OPERATIONS)
        newer.add_migration("memories", "sure", VALIDATE, before=IMPORT_OPERATIONS)
        project, tasks, over = stack.project("Live"), list[str](), threading.Event()

        def write() -> None:
            while not over.is_set():
                tasks.append(stack.post("memories", {"project": project, "content": "Ann lives in Oslo."})["task_id"])

        with Failing(write) as writer:
            wait_for(lambda: len(tasks) > 3 or None, 120)
            assert "5 migrations applied." in newer.migrations("apply")
            since = len(tasks)
            wait_for(lambda: len(tasks) > since + 3 or None, 120)
            over.set()
        assert not writer.errors
        assert {stack.wait_for_task(task, 120)["status"] for task in tasks} == {"completed"}
        assert httpx.get(f"{stack.url}/readyz", timeout=60).status_code == 200
        stack.post("search", {"project": project, "query": "Oslo"})
        assert "Traceback" not in stack.log("web") + stack.log("worker")


class Failing(threading.Thread):
    """A thread whose errors are kept; `with` waits for its end."""

    def __init__(self, work: Any) -> None:
        super().__init__(daemon=True)
        self.work, self.errors = work, list[BaseException]()

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.errors.append(error)

    def __enter__(self) -> Failing:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.join(120)


@pytest.mark.slow
def test_a_table_in_use_is_waited_for(newer: Version, here: Version) -> None:
    if is_sqlite(here):
        pytest.skip("SQLite waits by itself")
    newer.add_migration("memories", "notes", ADD_NOTE)
    with psycopg.connect(libpq(here.environment["DATABASE_URL"])) as other:
        other.execute("LOCK TABLE memories_project IN ACCESS SHARE MODE")
        process = newer.start("manage_migrations", "apply")
        assert process.stdout is not None
        said = next(line for line in iter(process.stdout.readline, "") if "in use" in line)
        assert "trying again" in said
    assert "1 migrations applied." in process.communicate(timeout=300)[0]
    assert process.returncode == 0


@pytest.mark.slow
def test_an_index_that_was_left_half_made_is_made_whole(newer: Version, here: Version) -> None:
    if is_sqlite(here):
        pytest.skip("SQLite makes no index beside other work")
    newer.add_migration("memories", "notes", ADD_NOTE)
    newer.add_migration("memories", "index", ADD_INDEX, before=IMPORT_OPERATIONS, attributes="atomic = False")
    newer.migrations("apply")
    newer.sql("UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'project_note'::regclass")
    newer.sql("DELETE FROM django_migrations WHERE name LIKE '%_index'")
    assert "half made" in newer.migrations("check", status=1)
    newer.migrations("apply")
    assert "half made" not in newer.migrations("check", status=1)


@pytest.mark.slow
def test_a_large_table_is_spoken_of(here: Version, newer: Version) -> None:
    here.sql(INSERT_PROJECT, "ANALYZE")
    newer.environment["MEMSTACK_LARGE_TABLE_ROWS"] = "1"
    newer.add_migration("memories", "notes", ALTER_NAME)
    said = newer.migrations("apply")
    assert "rewrites the table" in said
    assert "memories_project (about 1 rows)" in said


# --- changed by hand
@pytest.mark.slow
def test_what_was_changed_by_hand_is_found(here: Version) -> None:
    here.sql(
        "ALTER TABLE memories_project ADD COLUMN by_hand integer",
        "ALTER TABLE memories_entity DROP COLUMN extractor",
        "DROP INDEX fact_newest",
        "CREATE INDEX other_by_hand ON memories_fact (sentence)",
        "CREATE TABLE by_hand (id integer)",
        "DROP TABLE tasks_app_stagepace",
        "DROP INDEX task_one_graph_writer",
        "CREATE UNIQUE INDEX task_one_graph_writer ON tasks_app_tasklog (project_id) WHERE status = 'processing'",
    )
    found = here.migrations("check", status=1).splitlines()
    assert [line.partition(": CREATE")[0].partition(": (")[0].partition(": USING")[0] for line in found[:-1]] == [
        "by_hand: the table is extra; no migration made it",
        "memories_entity.extractor: the column is missing",
        "memories_fact: the index fact_newest is missing",
        "memories_fact: the index other_by_hand is extra; no migration made it",
        "memories_project.by_hand: the column is extra; no migration made it",
        "tasks_app_stagepace: the table is missing",
    ]
    assert found[-1].startswith("tasks_app_tasklog: the index task_one_graph_writer is ")
    assert "'graph'" in found[-1]


@pytest.mark.slow
def test_types_nulls_defaults_and_checks_are_compared(here: Version) -> None:
    if is_sqlite(here):
        here.sql("PRAGMA writable_schema = 1", *[RESHAPE.format(*pair) for pair in RESHAPED])
    else:
        here.sql(*ALTERED)
    found = here.migrations("check", status=1)
    for words in (
        "memories_project.name: the column has the type ",
        "memories_project.description: the column may be null, and should not",
        "memories_project.created_at: the column has the default ",
        "memories_fact: the constraint fact_confidence_range is CHECK",
    ):
        assert words in found
    assert len(found.splitlines()) == 4


def test_a_model_changed_without_a_migration_is_found(here: Version, newer: Version) -> None:
    newer.change("memories/models/projects.py", PROJECT_FIELD, f"{NOTE_FIELD}\n{PROJECT_FIELD}")
    found = newer.migrations("check", status=1)
    assert found == "memories: a model was changed without a migration: add field note to project\n"


def test_a_file_changed_after_it_was_applied_is_found(newer: Version) -> None:
    newer.migrations("create")
    newer.change("memories/migrations/0001_initial.py", "initial = True", "initial = True  # mended")
    assert "memories.0001_initial was changed after it was applied on 20" in newer.migrations("check", status=1)
    assert "memories.0001_initial was changed after it was applied" in newer.migrations("status")
    assert steps(newer)["memories.0001_initial"]["changed"] is True


@pytest.mark.slow
def test_what_plain_migrate_applied_is_taken_over(empty: Version) -> None:
    assert empty.manage("migrate", "-v0").returncode == 0
    assert empty.migrations("check") == "The database is as the models say.\n"
    assert "by another way" in empty.migrations("status")
    assert empty.migrations("apply") == "Nothing to apply.\n"
    assert {(row[2], row[3], row[5]) for row in rows(empty)} == {("", "", None)}
    assert all(len(row[4]) == 64 for row in rows(empty))


# --- records
def test_each_migration_is_recorded(here: Version, newer: Version) -> None:
    name = newer.add_migration("memories", "notes", ADD_NOTE)
    assert "pending" in newer.migrations("status")
    newer.migrations("apply")
    step = steps(newer)[f"memories.{name}"]
    assert (step["version"], step["applied"], step["changed"]) == ("9.9.9", True, False)
    assert step["host"] == os.uname().nodename
    assert step["seconds"] > 0
    assert step["applied_at"].startswith("20")
    assert [parent.split(".")[0] for parent in step["dependencies"]] == ["memories"]
    listed = newer.migrations("status")
    assert len(LISTED.findall(listed)) == len(steps(newer))
    assert f"└─ {step['dependencies'][-1]}" in listed
    log = Path(newer.environment["MEMSTACK_DATA_DIR"], "logs", "migrations.log").read_text()
    assert f"Applied memories.{name}" in log


# --- refused
WRONG = [
    (["apply", "nowhere"], 2, "No app nowhere has migrations"),
    (["apply", "memories", "0999"], 2, "memories has no migration 0999"),
    (["apply", "memories", "0"], 2, "More than one migration of memories begins with 0"),
    (["rollback", "nowhere", "zero", "--yes"], 2, "No app nowhere has migrations"),
    (["rollback", "memories", "0999", "--yes"], 2, "memories has no migration 0999"),
    (["create"], 8, "The database is not empty"),
    (["rollback", "memories", "zero"], 8, "say --yes"),
    (["drop"], 2, "invalid choice"),
]


@pytest.mark.slow
def test_wrong_arguments_change_nothing(template: Version) -> None:
    before = template.portrait()
    for arguments, status, words in WRONG:
        said = template.migrations(*arguments, status=status)
        assert words in said
        assert "Traceback" not in said
    assert template.portrait() == before


@pytest.mark.slow
def test_a_newer_database_is_left_alone(here: Version, newer: Version) -> None:
    name = newer.add_migration("memories", "notes", ADD_NOTE)
    newer.migrations("apply")
    before = here.portrait()
    for arguments in (["status"], ["apply"], ["check"], ["rollback", "memories", "0001", "--yes"]):
        said = here.migrations(*arguments, status=5)
        assert f"memories.{name} was applied by version 9.9.9 on {os.uname().nodename}" in said
    answer = here.manage("up")
    assert (answer.returncode, "newer than this MemStack" in answer.stderr) == (1, True)
    assert here.portrait() == before


@pytest.mark.parametrize("action", ["apply", "check", "create"])
@pytest.mark.parametrize("url", ["postgres://user:hidden@127.0.0.1:9/none", ""])
def test_a_database_that_is_away(tmp_path: Path, url: str, action: str) -> None:
    (tmp_path / "memstack.sqlite3").mkdir()
    answer = Version(ROOT, {"MEMSTACK_DATA_DIR": str(tmp_path), "DATABASE_URL": url}).manage(
        "manage_migrations", action
    )
    assert answer.returncode == 3, answer
    assert answer.stderr.count("\n") == 1
    assert "hidden" not in answer.stderr


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "memstack.sqlite3").write_text("a shopping list " * 100)
    said = Version(ROOT, {"MEMSTACK_DATA_DIR": str(tmp_path)}).migrations("apply", status=3)
    assert "file is not a database" in said


@pytest.mark.parametrize("folder_too", [False, True])
def test_a_read_only_file(tmp_path: Path, folder_too: bool) -> None:
    version = Version(ROOT, {"MEMSTACK_DATA_DIR": str(tmp_path)})
    version.migrations("apply", "memories", "0001")
    before = version.portrait()
    fixed = [tmp_path / "memstack.sqlite3", *([tmp_path] if folder_too else [])]
    modes = {path: path.stat().st_mode for path in fixed}
    for path in fixed:
        path.chmod(modes[path] & 0o555)
    answer = version.manage("manage_migrations", "apply", heeds_modes=True)
    for path in fixed:
        path.chmod(modes[path])
    assert answer.returncode == 4, answer
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert "read" in answer.stderr or "written" in answer.stderr
    assert version.portrait() == before


def test_a_user_without_rights(postgres: Server, tmp_path: Path) -> None:
    url = postgres.new_database("rights")
    owner = Version(ROOT, {"MEMSTACK_DATA_DIR": str(tmp_path), "DATABASE_URL": url})
    owner.migrations("apply", "memories", "0001")
    owner.sql(
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    )
    before = owner.portrait()
    reader = Version(ROOT, owner.environment | {"DATABASE_URL": url.replace("postgres@", "reader@")})
    assert "pending" in reader.migrations("status")
    assert "permission denied" in reader.migrations("apply", status=4)
    assert owner.portrait() == before


# --- up
@pytest.mark.slow
def test_up_applies_what_is_pending(here: Version) -> None:
    here.migrations("rollback", "memories", "0001", "--yes")
    environment = {
        name: value for name, value in here.environment.items() if name in {"DATABASE_URL", "MEMSTACK_DATA_DIR"}
    }
    with Stack(folder=Path(environment["MEMSTACK_DATA_DIR"]), environment=environment) as stack:
        assert "Bringing the database up to date" in stack.printed()
        assert "Applied memories.0002" in stack.log("up")
    assert here.migrations("check") == "The database is as the models say.\n"


@pytest.mark.slow
def test_up_in_production_waits_for_a_person(here: Version) -> None:
    here.migrations("rollback", "memories", "0001", "--yes")
    here.environment |= {"MEMSTACK_ENV": "production", "SECRET_KEY": "x" * 50, "MEMSTACK_PORT": "0"}
    before = here.portrait()
    answer = here.manage("up")
    assert answer.returncode == 1
    assert "manage_migrations apply" in answer.stderr
    assert "MEMSTACK_MIGRATE=on" in answer.stderr
    assert here.portrait() == before


# --- reach
@pytest.mark.slow
def test_nothing_to_apply_and_check_cost_little_more_than_a_start(template: Version) -> None:
    """CPU time, the least of three, against a start of Django in the same run: other work counts little."""
    start = least_cpu(lambda: template.python(""))
    assert least_cpu(lambda: template.migrations("apply")) < 1.5 * start + 0.1
    assert least_cpu(lambda: template.migrations("check")) < 2 * start + 0.2


def least_cpu(run: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        before = os.times()
        run()
        after = os.times()
        taken.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(taken)


SLOWLY = """
def slowly(apps, schema_editor):
    with open(os.environ["MEMSTACK_DATA_DIR"] + "/ran", "a") as file:
        file.write("x")
    go = pathlib.Path(os.environ["MEMSTACK_DATA_DIR"], "go")
    deadline = time.monotonic() + 300
    while not go.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
"""
ADD_NOTE = "migrations.AddField('project', 'note', models.CharField(max_length=50, null=True))"
ADD_COUNT = "migrations.AddField('tasklog', 'beats', models.IntegerField(db_default=0))"
CREATE_LINKED = (
    "migrations.CreateModel('Linked', [('id', models.BigAutoField(primary_key=True)),"
    " ('project', models.ForeignKey('memories.Project', models.CASCADE))])"
)
ENDS_BEFORE_THE_ROW = """
from django.db.migrations.recorder import MigrationRecorder
from memstack.migrating import applying
def ends(*args): raise RuntimeError("ends here")
MigrationRecorder.record_applied = ends
try: applying.apply(print)
except Exception as error: print(error)
"""
CREATE_EXTRA = (
    "migrations.CreateModel('Extra', [('id', models.BigAutoField(primary_key=True))], options={'db_table': 'extra'})"
)
ALTER_NAME = "migrations.AlterField('project', 'name', models.IntegerField(null=True))"
IMPORT_OPERATIONS = "from memstack.migrating.operations import *"
CHECK = "models.CheckConstraint(condition=models.Q(note__isnull=True), name='no_note_yet')"
ADD_CHECK = f"AddConstraintNotValid('project', {CHECK})"
VALIDATE = "ValidateConstraint('project', 'no_note_yet')"
ADD_INDEX = "AddIndexConcurrently('project', models.Index(fields=['note'], name='project_note'))"
PROJECT_FIELD = "    graph_version = models.PositiveBigIntegerField(default=0, editable=False)"
NOTE_FIELD = "    note = models.CharField(max_length=50, null=True)"
INSERT_PROJECT = (
    "INSERT INTO memories_project (id, name, description, graph_version, community_generation, "
    "last_community_generation, created_at, updated_at) "
    "VALUES ('0190a0d1c2d37e1e8d9f3b5a7c6e4d21', '1', '', 0, 0, 0, '2026-01-01', '2026-01-01')"
)
RESHAPE = "UPDATE sqlite_master SET sql = replace(sql, '{1}', '{2}') WHERE type = 'table' AND name = '{0}'"
RESHAPED = [
    ("memories_project", '"name" varchar(200)', '"name" varchar(100)'),
    ("memories_project", '"description" text NOT NULL', '"description" text NULL'),
    ("memories_project", '"created_at" datetime DEFAULT (STRFTIME', '"created_at" datetime DEFAULT (DATETIME'),
    ("memories_fact", '"confidence" BETWEEN 0.0 AND 1.0', '"confidence" BETWEEN 0.0 AND 2.0'),
]
ALTERED = [
    "ALTER TABLE memories_project ALTER COLUMN name TYPE varchar(100)",
    "ALTER TABLE memories_project ALTER COLUMN description DROP NOT NULL",
    "ALTER TABLE memories_project ALTER COLUMN created_at DROP DEFAULT",
    "ALTER TABLE memories_fact DROP CONSTRAINT fact_confidence_range",
    "ALTER TABLE memories_fact ADD CONSTRAINT fact_confidence_range CHECK (confidence BETWEEN 0 AND 2)",
]
