"""Versions of MemStack that there are not yet: a copy of the code, to which a test adds migrations or models."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from tests.stack import ROOT, clean_environment

PARTS = ("memstack", "memories", "tasks_app", "templates", "manage.py")
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


class Version:
    """The code in `root`, working on the database that `environment` names."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self.environment = clean_environment() | {"PYTHONDONTWRITEBYTECODE": "1", **environment}

    @classmethod
    def copied(cls, folder: Path, environment: Mapping[str, str], number: str = "9.9.9") -> Version:
        """A newer version, in a folder that must not exist."""
        folder.mkdir(parents=True)
        for part in PARTS:
            source = ROOT / part
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / part, ignore=ignored) if source.is_dir() else shutil.copy(source, folder)
        version = cls(folder, environment)
        version.change("memstack/__init__.py", '__version__ = "', f'__version__ = "{number}"  # "')
        return version

    def change(self, path: str, old: str, new: str) -> None:
        """Replaces a piece of text that a file has once."""
        file = self.root / path
        text = file.read_text()
        assert text.count(old) == 1, (path, old)
        file.write_text(text.replace(old, new))

    def add_migration(self, app: str, name: str, operations: str, *, before: str = "", attributes: str = "") -> str:
        """A migration after the app's last one; returns its name, with its number. `before`: code of the module."""
        folder = self.root / app / "migrations"
        last = sorted(path.stem for path in folder.glob("0*.py"))[-1]
        name = f"{int(last[:4]) + 1:04}_{name}"
        head = "import os, time, pathlib\nimport django.utils.timezone\nfrom django.db import migrations, models\n"
        body = f"    dependencies = [({app!r}, {last!r})]\n    operations = [{operations}]\n"
        more = textwrap.indent(textwrap.dedent(attributes), "    ")
        text = f"{head}{textwrap.dedent(before)}\nclass Migration(migrations.Migration):\n{body}{more}"
        (folder / f"{name}.py").write_text(text)
        return name

    def manage(self, *arguments: str, stdin: str = "", heeds_modes: bool = False) -> subprocess.CompletedProcess[str]:
        """Runs a `manage.py` command to its end. `heeds_modes`: root, too, may write only what a file's mode allows."""
        return subprocess.run(
            self._command(arguments),
            env=self.environment,
            cwd=self.root,  # Celery imports from there first
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            preexec_fn=_give_up_override if heeds_modes and os.geteuid() == 0 else None,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts one and does not wait; standard output can be read."""
        return subprocess.Popen(
            self._command(arguments),
            env=self.environment,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def migrations(self, *arguments: str, status: int = 0, stdin: str = "") -> str:
        """What `manage_migrations` prints, after its exit status was seen to be `status`."""
        answer = self.manage("manage_migrations", *arguments, stdin=stdin)
        assert answer.returncode == status, answer
        return answer.stdout + answer.stderr

    def python(self, code: str, *arguments: str) -> str:
        """Runs a program after django.setup(); returns what it prints."""
        program = f"import sys; sys.path.insert(0, {str(self.root)!r})\nimport django; django.setup()\n{code}"
        answer = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=self.environment,
            cwd=self.root,  # Celery imports from there first
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert answer.returncode == 0, answer
        return answer.stdout

    def sql(self, *statements: str) -> None:
        """Runs SQL by hand."""
        run = "from django.db import connection\nfor s in sys.argv[1:]: connection.cursor().execute(s)"
        self.python(run, *statements)

    def portrait(self) -> str:
        """All tables, and the number of rows in each: what must be as before when nothing was changed."""
        return self.python(PORTRAIT)

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, str(self.root / "manage.py"), *arguments]


def _give_up_override() -> None:
    """What root is allowed beyond the modes of files is gone with the next exec."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


PORTRAIT = """
from django.db import connection
from memstack.migrating import portrait
for name, table in sorted(portrait.take(connection).items()):
    cursor = connection.cursor()
    cursor.execute(f'SELECT count(*) FROM "{name}"')
    parts = sorted({(part.kind, part.definition) for part in table.parts})
    print(name, cursor.fetchone()[0], sorted(table.columns.items()), parts)
"""
