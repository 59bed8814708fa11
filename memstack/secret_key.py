"""The development secret key: made on the first run, kept in a file that only its owner can read."""

from __future__ import annotations

import os
import time
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def load_or_create(path: Path) -> str:
    """Returns the key in `path`; makes the file (mode 0600) when it is not there, once if processes start together."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(get_random_secret_key())
    return _read(path)


def _read(path: Path) -> str:
    for _ in range(50):  # another process may be between creating the file and writing it
        if key := path.read_text(encoding="ascii").strip():
            return key
        time.sleep(0.02)
    raise RuntimeError(f"{path} is empty; delete it and start again, or set SECRET_KEY.")
