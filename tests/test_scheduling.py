"""The tests of a file that starts a MemStack stay in one process, whatever versions of pytest and xdist there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.stack import ROOT

CONFTEST = """
from tests.scheduling import ByFile

def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log)
"""
TESTS = """
import pytest

@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("number", range(8))
def test_it(database, number):
    pass
"""
RAN = re.compile(r"^\[(gw\d)\].* PASSED (\S+)\.py::test_it\[\d+-(\w+)\]", re.MULTILINE)


def test_a_file_on_one_database_stays_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").touch()
    for name in ("flows/test_one", "pages/test_two", "test_alone"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(TESTS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "-v", "-p", "no:cacheprovider", "-p", "no:django", str(tmp_path)],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    ).stdout
    where: dict[tuple[str, str], set[str]] = {}
    for process, file, database in RAN.findall(ran):
        where.setdefault((file, database), set()).add(process)
    assert len(where) == 6, ran
    together = [processes for (file, _), processes in where.items() if file != "test_alone"]
    assert [len(processes) for processes in together] == [1] * 4, where
