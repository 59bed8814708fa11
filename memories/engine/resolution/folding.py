"""The key under which names count as the same."""

from __future__ import annotations

import re
import unicodedata

_ARTICLE = re.compile(r"\A(?:the|a|an)\s+(?=\S)")
_POSSESSIVE = re.compile(r"(?<=\w)['\u2019\u02bc](?:s)?\Z")


def fold(name: str) -> str:
    """The alias key of a name: NFKC, casefold, single spaces, without leading article and trailing possessive.

    Idempotent enough to compare, and never empty for a name that is not empty.
    """
    key = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    key = unicodedata.normalize("NFKC", key)
    bare = _POSSESSIVE.sub("", _ARTICLE.sub("", key, count=1)).strip()
    return bare or key or name
