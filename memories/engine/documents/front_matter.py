"""What stands above a Markdown text between lines of dashes (YAML) or pluses (TOML)."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import yaml

MOST = 64 * 1024
_FENCES = re.compile(r"\A(---|\+\+\+)[^\S\n]*\n(.*?)^(?:\1|\.\.\.)[^\S\n]*(?:\n\s*|\Z)", re.DOTALL | re.MULTILINE)


def parted(text: str) -> tuple[dict[str, Any], str]:
    """(what is told, the text below it). What can't be read as values is left where it is."""
    found = _FENCES.match(text[:MOST])
    if found is None:
        return {}, text
    try:
        told = yaml.safe_load(found[2]) if found[1] == "---" else tomllib.loads(found[2])
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError):
        return {}, text
    if not isinstance(told, dict):
        return {}, text
    return {str(key).lower(): value for key, value in told.items()}, text[found.end() :]
