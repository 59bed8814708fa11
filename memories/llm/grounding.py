"""What of the model's notes really stands in the text: only that becomes mentions and facts.

- An entity's wording is looked for in the passage, its name in the memory; what is not there is dropped.
- A fact's sentence must stand in the passage, its object in the sentence, its subject there, before it in the passage,
  or be the speaker; a value must be the sentence's own words.
- Types are the project's, predicates its relation types, the usual ones or a verb of the sentence; else the fact only
  says that two names stand together.
- Dates must be dates that can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import get_args

from memories.engine.extraction.local import MACHINES, speaker_mention
from memories.engine.extraction.predicates import KNOWN, slug
from memories.engine.relations import HINT, TOGETHER
from memories.engine.resolution.folding import fold
from memories.engine.types import FactDraft, Mention, MentionKind, Passage, Polarity, Precision, Reading, Schema, Source
from memories.llm.notes import EntityNote, FactNote, PassageNotes

SURE, UNSURE = 0.9, 0.75
OLDEST_YEAR, YEARS_AHEAD = 1000, 100
MOST_PLACES = 50  # of one wording in a passage
SENTENCE_LENGTH = 2000
STEM = 4  # letters that a verb and its base form have in common
_PRONOUNS = """
i me my mine myself you your yours yourself he him his himself she her hers herself it its itself we us our ours
they them their theirs themselves who whom whose this that
"""
PRONOUNS = frozenset(_PRONOUNS.split())
_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:T.*)?")


@dataclass(slots=True)
class _Found:
    """The mentions of a passage so far; `places` has those of each folded name."""

    mentions: list[Mention] = field(default_factory=list)
    places: dict[str, list[int]] = field(default_factory=dict)

    def add(self, mention: Mention) -> int:
        """The mention's number; one span stands for one entity, so who is first keeps it."""
        for number, other in enumerate(self.mentions):
            if mention.start < other.end and other.start < mention.end:
                return number if fold(other.name) == fold(mention.name) else -1
        self.mentions.append(mention)
        self.places.setdefault(fold(mention.name), []).append(len(self.mentions) - 1)
        return len(self.mentions) - 1


@dataclass(frozen=True, slots=True)
class Grounded:
    """A reading, and how many notes were `kept` and `dropped` for it."""

    reading: Reading
    kept: int
    dropped: int


class Ground:
    """One memory's text, against which notes are held."""

    def __init__(self, source: Source, passages: Sequence[Passage], schema: Schema) -> None:
        self._source, self._schema = source, schema
        self._text = fold_all(source.content)
        self._names: dict[str, str | None] = {}
        self._speakers = {fold(speaker): speaker.strip() for passage in passages if (speaker := passage.speaker)}
        self._allowed = KNOWN | set(schema.relation_types)

    def reading(self, passage: Passage, notes: PassageNotes, extractor: str) -> Grounded:
        """The part of the notes that is in the text, as a reading stamped with the extractor."""
        return _Reading(self, passage).of(notes, extractor)

    # --- what a name, a type, a predicate may be

    def name(self, given: str) -> str | None:
        """The name if it stands somewhere in the memory, as a word of its own, or is a speaker's."""
        wanted = " ".join(given.split())
        if wanted not in self._names:
            there = next(_occurrences(fold_all(wanted), self._text), None) is not None
            self._names[wanted] = self.speaker(wanted) or (wanted if there else None)
        return self._names[wanted]

    def speaker(self, given: str) -> str | None:
        return self._speakers.get(fold(given))

    def type(self, given: str) -> str:
        kind = given.strip().lower()
        types = self._schema.entity_types
        return kind if kind in types or not types else "concept" if "concept" in types else min(types)

    def predicate(self, given: str, sentence: str) -> str | None:
        """One that the project or the tables know, or a verb of the sentence; None for what is neither."""
        name = slug(given)
        if name in self._allowed:
            return name
        stem = name.partition("_")[0][:STEM]
        return name if len(stem) > 1 and re.search(rf"\b{re.escape(stem)}", sentence, re.IGNORECASE) else None

    def moment(self, passage: Passage) -> datetime:
        return passage.at or self._source.reference_time

    @property
    def source(self) -> Source:
        return self._source


class _Reading:
    """One passage's notes on their way to a reading."""

    def __init__(self, ground: Ground, passage: Passage) -> None:
        self.ground, self.passage = ground, passage
        self.found = _Found()
        self.types: dict[str, str] = {}
        self.names: dict[str, str] = {}
        for mention in speaker_mention(ground.source, passage):
            self.found.add(mention)
            self._know(mention.name, mention.type)

    def of(self, notes: PassageNotes, extractor: str) -> Grounded:
        names = [self._entity(note) for note in notes.entities]
        wordings = {(text, name) for name, note in zip(names, notes.entities, strict=True) if name
                    for text in (name, *note.texts) if fold(text) not in PRONOUNS}  # fmt: skip
        for text, name in sorted(wordings, key=lambda each: (-len(each[0]), each)):  # the longest name has a span first
            for span in self._spans(text):
                self._mention(name, span)
        drafts = [self._fact(note) for note in notes.facts]
        facts = tuple(dict.fromkeys(draft for draft in drafts if draft is not None))
        kept = sum(fold(name) in self.found.places for name in names if name) + sum(map(bool, drafts))
        dropped = len(names) + len(drafts) - kept + notes.broken
        return Grounded(Reading(self.passage, tuple(self.found.mentions), facts, extractor), kept, dropped)

    # --- entities

    def _entity(self, note: EntityNote) -> str | None:
        """What the entity is called in this memory; None when nothing in it is called so."""
        name = self.ground.name(note.name) or self._called(note)
        if name is None or fold(name) in PRONOUNS:
            return None
        self._know(name, self.ground.type(note.type))
        return name

    def _know(self, name: str, kind: str) -> str:
        """The name that is known already, or now, for what is called so."""
        self.types.setdefault(fold(name), kind)
        return self.names.setdefault(fold(name), name)

    def _called(self, note: EntityNote) -> str | None:
        """A name that is nowhere is no name; the longest of the wordings is one if it is written like one."""
        wordings = [text for text in note.texts if text[:1].isupper() and fold(text) not in PRONOUNS]
        return max((text for text in wordings if any(self._spans(text))), key=len, default=None)

    def _spans(self, text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
        """Where a wording stands in the passage, or in a part of it, as a word of its own."""
        end = len(self.passage.text) if end is None else end
        for number, span in enumerate(_occurrences(text, self.passage.text, start, end)):
            if number == MOST_PLACES:
                return
            yield span

    def _mention(self, name: str, span: tuple[int, int]) -> int:
        """The number of the mention there; -1 when the words stand for something else."""
        text = self.passage.text[slice(*span)]
        if len(text) > 500:
            return -1
        at = self.passage.start
        kind = _kind(text, name)
        return self.found.add(Mention(text, at + span[0], at + span[1], kind, name, self.types[fold(name)]))

    # --- facts

    def _fact(self, note: FactNote) -> FactDraft | None:
        span = next(_occurrences(note.sentence.strip(), self.passage.text, words=False), None)
        if span is None or span[1] - span[0] > SENTENCE_LENGTH or (note.object is None) == (note.value is None):
            return None
        sentence = self.passage.text[slice(*span)]
        subject = self._end(note.subject, note.subject_text, span, before=True)
        object_ = self._end(note.object, note.object_text or "", span, before=False) if note.object else None
        value = _within(note.value, sentence) if note.value else None
        predicate = self.ground.predicate(note.predicate, sentence)
        if subject is None or (object_ is None and (value is None or predicate is None)):
            return None
        if object_ is not None and fold(self._name(subject)) == fold(self._name(object_)):
            return None
        start, end, precision = self._times(note)
        return FactDraft(
            subject=subject,
            predicate=predicate or TOGETHER,
            object=object_,
            value=value,
            sentence=sentence,
            start=self.passage.start + span[0],
            end=self.passage.start + span[1],
            valid_at=start,
            invalid_at=end,
            valid_precision=precision,
            polarity=self._polarity(note.polarity),
            confidence=HINT if predicate in {None, TOGETHER} else self._confidence(subject),
        )

    def _end(self, name: str, text: str, sentence: tuple[int, int], *, before: bool) -> int | None:
        """The mention that a fact's subject or object is: the words that were given, or the nearest of that name."""
        speaker = self.ground.speaker(name)  # whom "you" may stand for, so needs no entry among the entities
        known = self._know(speaker, "person") if speaker else self.names.get(fold(name))
        if known is None:
            return None
        first = self.passage.start + sentence[0]
        last = self.passage.start + sentence[1]
        spans = self._spans(text, *sentence) if text.strip() else iter(())
        given = next((number for span in spans if (number := self._mention(known, span)) >= 0), None)
        if given is not None:
            return given
        places = self.found.places.get(fold(known), [])
        inside = [number for number in places if first <= self.found.mentions[number].start < last]
        earlier = [number for number in places if before and self.found.mentions[number].start < first]
        return inside[0] if inside else earlier[-1] if earlier else None

    def _name(self, mention: int) -> str:
        return self.found.mentions[mention].name

    def _confidence(self, subject: int) -> float:
        mention = self.found.mentions[subject]
        return SURE if mention.kind == "name" or mention.name == (self.passage.speaker or "").strip() else UNSURE

    def _polarity(self, given: str) -> Polarity:
        polarity = next((known for known in get_args(Polarity) if known == given), None)
        if polarity is None:
            return "hypothetical"
        machine = (self.passage.speaker or "").strip().lower() in MACHINES
        return "reported" if machine and polarity == "affirmed" else polarity

    def _times(self, note: FactNote) -> tuple[datetime | None, datetime | None, Precision | None]:
        """Both moments, or none of them when they can't be true together."""
        latest = self.ground.moment(self.passage).year + YEARS_AHEAD
        start, precision = day(note.valid_at, latest)
        end, ends = day(note.invalid_at, latest)
        if start and end and end < start:
            return None, None, None
        return start, end, precision or ends


def day(text: str | None, latest_year: int) -> tuple[datetime | None, Precision | None]:
    """The beginning of a year, month or day in UTC and which of them it is; nothing for what can't be meant."""
    match = _DAY.fullmatch((text or "").strip())
    if match is None:
        return None, None
    year, month, number = (int(part) if part else 0 for part in match.groups())
    if not OLDEST_YEAR <= year <= min(latest_year, 9999):
        return None, None
    try:
        when = datetime(year, month or 1, number or 1, tzinfo=UTC)
    except ValueError:
        return None, None
    return when, "day" if number else "month" if month else "year"


def fold_all(text: str) -> str:
    """Lower case letter by letter, so that no offset moves."""
    if len(low := text.lower()) == len(text):
        return low
    return "".join(small if len(small := char.lower()) == 1 else char for char in text)


def _occurrences(
    wanted: str, text: str, start: int = 0, end: int | None = None, *, words: bool = True
) -> Iterator[tuple[int, int]]:
    """Where the words stand in the text; any white space between them is as good as another."""
    parts = [re.escape(part) for part in wanted.split()]
    if not parts:
        return
    pattern = r"\s+".join(parts)
    if words:  # no letter goes on at either end; scripts without spaces have no such ends
        before = r"(?<!\w)" if _spaced(wanted.strip()[0]) else ""
        after = r"(?!\w)" if _spaced(wanted.strip()[-1]) else ""
        pattern = before + pattern + after
    for match in re.compile(pattern).finditer(text, start, len(text) if end is None else end):
        yield match.span()


def _spaced(char: str) -> bool:
    return char.isalnum() and char < "\u2e80"


def _within(value: str, sentence: str) -> str | None:
    """The value as the sentence has it."""
    span = next(_occurrences(fold_all(value), fold_all(sentence)), None)
    return sentence[slice(*span)] if span else None


def _kind(text: str, name: str) -> MentionKind:
    if fold(text) in PRONOUNS:
        return "pronoun"
    shared = set(fold(text).split()) & set(fold(name).split())
    return "name" if shared or any(char.isupper() for char in text) or not _spaced(text[0]) else "nominal"
