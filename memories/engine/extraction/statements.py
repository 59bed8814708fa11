"""All the facts of a parsed window, each once."""

from __future__ import annotations

from dataclasses import replace

from memories.engine.extraction.clauses import clause
from memories.engine.extraction.endings import partings
from memories.engine.extraction.following import further
from memories.engine.extraction.grammar import sentence_start
from memories.engine.extraction.phrases import announcements, kin_of_speaker, noun_phrase
from memories.engine.extraction.sheet import Sheet, Statement
from memories.engine.extraction.talk import ironic, is_small_talk
from memories.engine.extraction.together import together


def statements(sheet: Sheet) -> list[Statement]:
    """Those of clauses first, then those of noun phrases that say something new. A weak link yields to any other."""
    verbs = [token for token in sheet.doc if token.pos_ in {"VERB", "AUX"} and sheet.inside(token) is None]
    found = [one for verb in verbs for one in (*clause(sheet, verb), *partings(sheet, verb))]
    found += [one for index in range(len(sheet.places)) for one in noun_phrase(sheet, index)]
    found += [one for token in sheet.doc if sheet.named(token) for one in announcements(sheet, token)]
    if sheet.speaker:
        found += kin_of_speaker(sheet)
    found = _meant(sheet, [one for one in found if not is_small_talk(sheet, one)])
    found += list(further(sheet, found))
    found.sort(key=lambda one: -one.confidence)  # stable: the order of the text within
    unique: dict[tuple[object, ...], Statement] = {}
    pairs: set[frozenset[str]] = set()
    for one in found:
        if one.object is None:
            unique.setdefault((one.subject, one.predicate, one.value), one)
            continue
        pair = frozenset((sheet.name(one.subject), sheet.name(one.object)))
        if len(pair) == 2 and not (one.confidence <= 0.6 and pair in pairs):
            pairs.add(pair)
            unique.setdefault((one.subject, one.predicate, one.object), one)
    return [*unique.values(), *together(sheet, pairs)]


def _meant(sheet: Sheet, found: list[Statement]) -> list[Statement]:
    """What is said in irony is not asserted."""
    turned = ironic(sheet.doc) if sheet.speaker else set()
    if not turned:
        return found
    return [
        replace(one, polarity="hypothetical")
        if one.polarity == "affirmed" and sentence_start(one.anchor) in turned
        else one
        for one in found
    ]
