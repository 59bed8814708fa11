"""The sentences of running text, with their exact spans."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from memories.engine.documents.model import Block, Section

Span = tuple[int, int]
SHORTEST, LONGEST = 5, 60  # words of a sentence that may stand for others
SHORTEST_SIGNS, LONGEST_SIGNS = 30, 500  # the same, in characters
_END = re.compile(
    r"[.!?\u2026]+[\"'\u201d\u2019\u00bb)\]]*(?=\s|\Z)|[\u3002\uff01\uff1f\uff61]+[\u201d\u2019\u300d\u300f]*"
)
_ABBREVIATIONS = """
mr mrs ms dr prof st sr jr rev hon gen col capt lt sgt gov sen rep vs etc al inc ltd co corp no nos vol pp ed eds
fig figs eq approx ca cf dept est ext jan feb mar apr jun jul aug sep sept oct nov dec mt ft
bzw ca usw evtl ggf inkl nr str tel vgl zb bspw hr fr abs art aufl bd mme mlle mgr sra srta dña ud uds av pág núm
"""
_SHORT = frozenset(_ABBREVIATIONS.split())
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]?\Z")  # "e.g", "U.S", an initial
_LAST_WORD = re.compile(r"[^\s(\[\"'\u201c\u201e\u00ab]+\Z")
_MONTH = re.compile(
    r"\s+(?:jan|feb|mär|maer|mar|apr|mai|may|jun|jul|aug|sep|okt|oct|nov|dez|dec|led|úno|bře|dub|kvě|čer|srp|zář|říj|lis|pro)",
    re.I,
)
_PARAGRAPH = re.compile(r"\S.*?(?=\n[^\S\n]*\n|\Z)", re.DOTALL)
_OPENS = re.compile(r"[\"'\u201c\u201e\u00ab\u2018(\[\u300c\u300e]*[^\W_a-zà-öø-ÿа-я]")
_ENDS = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019\u00bb)\]\u300d\u300f]*\Z")
_DEBRIS = re.compile(r"https?://|www\.|\S+@\S+|[|{}<>=]|\A\s*(?:[-*\u2022#>]|\d+[.)])\s")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")


def candidates(text: str, sections: Sequence[Section], blocks: Sequence[Block]) -> list[Span]:
    """The sentences that may stand in a summary: whole ones of running text, no headings, rows or code."""
    spans = [span for area in _areas(text, sections, blocks) for span in split(text, *area)]
    fitting = [span for span in spans if _is_whole(text[span[0] : span[1]])]
    if not fitting and any(section.seconds is not None for section in sections):  # a transcript without full stops
        fitting = [
            (section.start, section.end) for section in sections if _has_length(text[section.start : section.end])
        ]
    return fitting


def split(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences between two places, white space around them left out."""
    cursor = start
    for found in _END.finditer(text, start, end):
        if not _is_inside(text, found, end):
            yield from _trimmed(text, cursor, found.end())
            cursor = found.end()
    yield from _trimmed(text, cursor, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    bare = text[start:end].strip()
    if bare:
        start += len(text[start:end]) - len(text[start:end].lstrip())
        yield start, start + len(bare)


def _is_inside(text: str, stop: re.Match[str], end: int) -> bool:
    """Whether the sentence goes on after this full stop."""
    following = text[stop.end() : min(stop.end() + 12, end)]
    if following.lstrip()[:1].islower():
        return True
    if stop[0] != ".":
        return False
    found = _LAST_WORD.search(text, max(0, stop.start() - 20), stop.start())
    word = found[0] if found else ""
    if word.lower().strip(".") in _SHORT or _DOTTED.match(word) or (len(word) == 1 and word.isupper() and word != "I"):
        return bool(following.strip())
    return word.isdigit() and len(word) < 3 and bool(_MONTH.match(following))


def _areas(text: str, sections: Sequence[Section], blocks: Sequence[Block]) -> list[Span]:
    """Where running text is: by the blocks, else by empty lines. In a recording lines are no ends of anything."""
    if any(section.seconds is not None for section in sections):
        return [(sections[0].start, sections[-1].end)]
    if blocks:
        return [(block.start, block.end) for block in blocks if block.kind in {"paragraph", "quote", "list_item"}]
    return [found.span() for found in _PARAGRAPH.finditer(text)]


def _is_whole(sentence: str) -> bool:
    return (
        bool(_ENDS.search(sentence))
        and bool(_OPENS.match(sentence))
        and not _DEBRIS.search(sentence)
        and "\n\n" not in sentence
        and _has_length(sentence)
    )


def _has_length(sentence: str) -> bool:
    if _SPACELESS.search(sentence):
        return SHORTEST_SIGNS // 2 <= len(sentence) <= LONGEST_SIGNS // 2
    words = len(sentence.split())
    letters = sum(sign.isalpha() for sign in sentence)
    return (
        SHORTEST <= words <= LONGEST
        and SHORTEST_SIGNS <= len(sentence) <= LONGEST_SIGNS
        and letters > len(sentence) / 2
    )
