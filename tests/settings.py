"""The settings of the tests: a data folder for each process of a test run, and nothing of the developer's own.

The environment is set before the product's settings read it. Programs that tests start get `memstack.settings`.
"""

import atexit
import logging
import os
import shutil
import tempfile
from pathlib import Path

for _name in [name for name in os.environ if name.startswith("MEMSTACK_")]:
    del os.environ[_name]
for _name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
    os.environ.pop(_name, None)

TEST_FOLDER = Path(tempfile.mkdtemp(prefix=f"memstack-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-"))
atexit.register(shutil.rmtree, TEST_FOLDER, ignore_errors=True)
os.environ["MEMSTACK_DATA_DIR"] = str(TEST_FOLDER)
if _url := os.environ.get("TEST_DATABASE_URL"):  # the same tests on PostgreSQL
    os.environ["DATABASE_URL"] = _url

from memstack.settings import *  # noqa: E402, F403
from memstack.settings import DATABASE  # noqa: E402

if not _url:
    DATABASE["TEST"] = {"NAME": str(TEST_FOLDER / "test.sqlite3")}  # a file, so that threads can share it
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request drowns a failure
