"""What a file is, by its bytes."""

from __future__ import annotations

from pathlib import Path

import puremagic


def media_type_of(path: Path, said: str = "", name: str = "") -> str:
    try:
        return str(puremagic.from_file(str(path), mime=True))
    except (puremagic.PureError, ValueError):
        return said or "text/plain"
