"""The extractor that needs no network: one parse per passage, then rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from memories.engine.batching import batches
from memories.engine.extraction import gazetteer, language, model
from memories.engine.extraction.clauses import dated
from memories.engine.extraction.discourse import FIRST, SECOND, Discourse, is_something_of
from memories.engine.extraction.endings import ended
from memories.engine.extraction.evidence import evidence
from memories.engine.extraction.grammar import sentence_start
from memories.engine.extraction.lookup import NameIndex
from memories.engine.extraction.names import Name, text_of
from memories.engine.extraction.naming import find_names
from memories.engine.extraction.own import OwnTypes
from memories.engine.extraction.sheet import Place, Sheet, Statement
from memories.engine.extraction.statements import statements
from memories.engine.resolution.folding import fold
from memories.engine.temporal import DateSpan, calendar, find_dates
from memories.engine.types import FactDraft, Mention, MentionKind, Passage, Reading, Schema, Source

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span, Token

MOST_NAME = 500
MACHINES = frozenset(
    {"assistant", "ai", "bot", "agent", "system", "model", "chatbot", "chatgpt", "claude", "gemini", "tool"}
)
_TRUST = {-1: 1e6, 0: 1000.0, 1: 100.0, 2: 1.0, 3: 0.4, 4: 0.2}  # weight of a name's type, by the rank of what found it


@dataclass(frozen=True, slots=True)
class _Window:
    """A parsed piece of a passage; `offset` is where it begins in the memory's content."""

    doc: Doc
    offset: int
    names: list[Name]
    parsed: bool


@dataclass(frozen=True, slots=True)
class _Spot:
    """A mention before it has its final offsets: tokens, characters of the window, and what it stands for."""

    place: Place
    start: int
    end: int
    kind: MentionKind
    given: bool = False


class LocalExtractor:
    """Names, pronouns and facts by spaCy's small English model, gazetteers and rules over the parse.

    Facts get `valid_at` and `invalid_at` only where the sentence has a date (relative ones count from the
    passage's `at`, else the memory's `reference_time`); "used to" ends at the time of speech. Speakers of a
    conversation are mentioned where their line begins. Text that is not English yields the names that are known
    beforehand, and no facts. Raises WeightsUnavailable when the model is not installed.
    """

    version = "local-4"

    def read(self, source: Source, passages: Sequence[Passage], schema: Schema) -> Iterator[Reading]:
        """A reading per passage, in order; the work is done batch by batch as the readings are asked for."""
        memory = self.begin(source, passages, schema)
        for batch in batches(passages, lambda passage: len(passage.text)):
            yield from memory.read(batch)

    def begin(
        self, source: Source, passages: Sequence[Passage], schema: Schema, state: Mapping[str, Any] | None = None
    ) -> _Memory:
        """The same for a caller who makes the batches; the outcome depends on them."""
        memory = _Memory(source, passages, schema)
        if state is not None:
            memory.restore(state)
        return memory


class _Memory:
    """What reading one memory keeps from passage to passage."""

    def __init__(self, source: Source, passages: Sequence[Passage], schema: Schema) -> None:
        self.source = source
        self.schema = schema
        self.speakers = list(dict.fromkeys(passage.speaker for passage in passages if passage.speaker))
        self.discourse = Discourse(self.speakers)
        self.types: dict[str, str] = {}
        self.people: set[str] = set()  # words of the names of people
        self.technologies = _technologies()
        self.own = OwnTypes(schema.type_rules)
        self.names = NameIndex()
        self.names.add(_given_names(self.speakers, schema), exact=True)
        self.names.add(((name, kind) for name, kind in schema.known_names.items() if " " in name), exact=False)

    def state(self) -> dict[str, Any]:
        """All that reading changes here, as JSON values."""
        return {"types": dict(self.types), "people": sorted(self.people), "discourse": self.discourse.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.types = dict(state["types"])
        self.people = set(state["people"])
        self.discourse.restore(state["discourse"])

    def read(self, passages: Sequence[Passage]) -> Iterator[Reading]:
        windows = self._parse(passages)
        self._settle_types([window for found in windows for window in found])
        for passage, found in zip(passages, windows, strict=True):
            yield self._reading(passage, found)

    def _parse(self, passages: Sequence[Passage]) -> list[list[_Window]]:
        """The windows of each passage; one call of the parser for all that is English."""
        pieces: list[tuple[int, int, str, bool]] = []
        for index, passage in enumerate(passages):
            text = language.readable(passage.text[: language.MOST])
            english = language.is_english(text)
            pieces += [(index, passage.start + at, piece, english) for at, piece in language.windows(text)]
        nlp = model.load()
        docs = nlp.pipe([text for *_, text, english in pieces if english], batch_size=8)
        windows: list[list[_Window]] = [[] for _ in passages]
        for index, offset, text, english in pieces:
            doc = next(docs) if english else nlp.make_doc(text)
            windows[index].append(_Window(doc, offset, self._names(doc, english), english))
        return windows

    def _names(self, doc: Doc, english: bool) -> list[Name]:
        return find_names(doc, self.names, self.technologies, self.own, parsed=english)

    def _settle_types(self, windows: Iterable[_Window]) -> None:
        """One type for a name in the whole memory: what most of its mentions say, weighted by trust."""
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for window in windows:
            for name in window.names:
                votes[fold(name.text)][name.type] += _TRUST[name.rank]  # type: ignore[assignment]
            if window.parsed:
                for name, kind, weight in evidence(window.doc, window.names):
                    votes[fold(name.text)][kind] += weight  # type: ignore[assignment]
        for key, types in votes.items():
            self.types.setdefault(key, max(sorted(types), key=lambda kind: types[kind]))
            if self.types[key] == "person" and " " in key:
                self.people.update(key.split())

    def _type(self, name: Name) -> str:
        kind = self.types.get(fold(name.text), name.type)
        if name.rank >= 2 and kind in {"organization", "work", "product", "concept"} and fold(name.text) in self.people:
            return "person"
        if kind in self.schema.disabled_types:
            return kind  # it is dropped when all names have their types
        if self.schema.entity_types and kind not in self.schema.entity_types and "concept" in self.schema.entity_types:
            return "concept"
        return kind

    def _reading(self, passage: Passage, windows: list[_Window]) -> Reading:
        mentions = speaker_mention(self.source, passage)
        facts: list[FactDraft] = []
        for window in windows:
            spots = self._spots(passage, window)
            if window.parsed:
                facts += self._facts(passage, window, spots, len(mentions))
            mentions += [_mention(spot, window) for spot in spots]
        return Reading(passage, tuple(mentions), tuple(facts))

    def _spots(self, passage: Passage, window: _Window) -> list[_Spot]:
        """The mentions of a window in order: names, and the pronouns and nouns that stand for one."""
        starting = {name.first: name for name in window.names}
        inside = {i for name in window.names for i in range(name.first, name.last)}
        spots: list[_Spot] = []
        for token in window.doc:
            if window.parsed and token.is_sent_start:
                self.discourse.next_sentence()
            if token.i in starting:
                spots.append(self._named(starting[token.i], window))
            elif token.i not in inside and window.parsed:
                spots += self._referring(passage, token)
        return spots

    def _named(self, name: Name, window: _Window) -> _Spot:
        kind = self._type(name)
        self.discourse.note(
            name.text, kind, window.doc[name.first : name.last].root if window.parsed else window.doc[name.first]
        )
        return _Spot(Place(name.first, name.last, kind, name.text), name.start, name.end, "name", name.rank < 0)

    def _referring(self, passage: Passage, token: Token) -> list[_Spot]:
        found = self._addressed(passage, token) or self._third_person(token)
        if found is None:
            return []
        name, kind, how = found
        start = token.i
        if how == "nominal":
            start = next((child.i for child in token.lefts if child.dep_ == "det"), token.i)
        place = Place(start, token.i + 1, kind, name)
        return [_Spot(place, token.doc[start].idx, token.idx + len(token), how)]

    def _addressed(self, passage: Passage, token: Token) -> tuple[str, str, MentionKind] | None:
        if not passage.speaker or token.tag_ not in {"PRP", "PRP$"} or is_something_of(token):
            return None
        if token.lower_ in FIRST:
            return passage.speaker, "person", "pronoun"
        others = [speaker for speaker in self.speakers if speaker != passage.speaker]
        if token.lower_ in SECOND and len(others) == 1:
            return others[0], "person", "pronoun"
        return None

    def _third_person(self, token: Token) -> tuple[str, str, MentionKind] | None:
        if token.tag_ not in {"PRP", "PRP$", "NN"}:
            return None
        found = self.discourse.resolve(token)
        return (*found, "nominal" if token.tag_ == "NN" else "pronoun") if found else None

    def _facts(self, passage: Passage, window: _Window, spots: list[_Spot], before: int) -> Iterator[FactDraft]:
        """The facts of a window; `before` mentions of the passage came earlier."""
        places = [spot.place for spot in spots]
        opens = passage.position == 0 and window.offset == passage.start
        sheet = Sheet(window.doc, places, self.schema, self.speakers, passage.speaker, opens=opens)
        found: dict[int, list[Statement]] = defaultdict(list)
        for statement in statements(sheet):
            found[sentence_start(statement.anchor)].append(statement)
        now = passage.at or self.source.reference_time
        for sentence in window.doc.sents:
            dates = _dates(sentence, spots, now)
            own = found[sentence.start]
            own += [fact for date, verb in dates for fact in dated(sheet, verb, _wording(sentence, date))]
            frame = self._frame(window, sentence)
            for fact in own:
                draft = self._draft(frame, passage, spots[fact.subject], before, fact=fact)
                if draft.polarity in {"affirmed", "negated"}:
                    draft = replace(draft, ends=ended(fact, own))
                yield _timed(draft, fact, dates, now)

    def _frame(self, window: _Window, sentence: Span) -> tuple[str, int, int]:
        """The sentence as it stands in the memory, with its offsets there."""
        text = sentence.text
        start = window.offset + sentence.start_char + len(text) - len(text.lstrip())
        end = start + len(text.strip())
        return self.source.content[start:end], start, end

    def _draft(
        self, frame: tuple[str, int, int], passage: Passage, subject: _Spot, before: int, *, fact: Statement
    ) -> FactDraft:
        polarity = fact.polarity
        if polarity == "affirmed" and passage.speaker and passage.speaker.strip().lower() in MACHINES:
            polarity = "reported"  # what an assistant says is no news about the world
        sure = subject.kind == "name" or subject.place.name in self.speakers
        return FactDraft(
            subject=before + fact.subject,
            predicate=fact.predicate,
            object=None if fact.object is None else before + fact.object,
            value=fact.value,
            sentence=frame[0],
            start=frame[1],
            end=frame[2],
            polarity=polarity,
            confidence=round(fact.confidence * (1 if sure else 0.85), 3),
        )


def speaker_mention(source: Source, passage: Passage) -> list[Mention]:
    """The speaker's mention where the line of a conversation begins; none where no such line is there."""
    speaker = passage.speaker
    if not speaker or not speaker.strip():
        return []
    start = passage.start - len(speaker) - 2
    if start < 0 or not source.content.startswith(speaker, start):
        return []
    return [Mention(speaker, start, start + len(speaker), "name", speaker.strip()[:MOST_NAME], "person")]


@cache
def _technologies() -> NameIndex:
    index = NameIndex()
    index.add(((name, "technology") for name in gazetteer.DISTINCT), exact=False)
    index.add(((name, "technology") for name in (*gazetteer.EXACT, *sorted(gazetteer.AMBIGUOUS))), exact=True)
    index.add(((name + ending, "concept") for name in gazetteer.CONCEPTS for ending in ("", "s")), exact=False)
    index.add(((name, gazetteer.GENRE) for name in gazetteer.GENRES if name not in gazetteer.CONCEPTS), exact=False)
    return index


def _given_names(speakers: Sequence[str], schema: Schema) -> Iterator[tuple[str, str]]:
    """The project's names, then the speakers' names and first names."""
    yield from schema.known_names.items()
    for speaker in speakers:
        first = speaker.split()[0] if speaker.split() else ""
        for name in dict.fromkeys((speaker.strip(), first)):
            if name and name not in schema.known_names and name.lower() not in MACHINES | {"user", "human", "speaker"}:
                yield name, "person"


def _mention(spot: _Spot, window: _Window) -> Mention:
    text = text_of(window.doc)[spot.start : spot.end]
    name = spot.place.name.strip()[:MOST_NAME]
    return Mention(
        text, window.offset + spot.start, window.offset + spot.end, spot.kind, name, spot.place.type, spot.given
    )


def _dates(sentence: Span, spots: list[_Spot], reference: datetime) -> list[tuple[DateSpan, Token]]:
    """The dates of a sentence outside names, each with the word it belongs to: the verb above it."""
    found = []
    for date in find_dates(sentence.text, reference):
        start = sentence.start_char + date.start
        end = sentence.start_char + date.end
        span = sentence.doc.char_span(start, end, alignment_mode="expand")
        if span is not None and not any(spot.start < end and start < spot.end for spot in spots):
            found.append((date, _verb_above(span.root)))
    return found


def _verb_above(token: Token) -> Token:
    while token.pos_ not in {"VERB", "AUX"} and token.head.i != token.i:
        token = token.head
    return token


def _wording(sentence: Span, date: DateSpan) -> str:
    words = str(sentence.text[date.start : date.end]).split()
    return " ".join(words[1:] if len(words) > 1 and words[0].lower() in {"in", "on", "at", "during"} else words)


def _timed(draft: FactDraft, fact: Statement, dates: list[tuple[DateSpan, Token]], now: datetime) -> FactDraft:
    """The draft with the times that the sentence states for it."""
    own = [date for date, verb in dates if _applies(fact.anchor, verb)]
    if not own:
        return replace(draft, invalid_at=now) if fact.formerly else draft
    date = own[0]
    starts = None if date.relation == "until" else date.first
    ends = {"until": date.first, "between": date.last}.get(date.relation, now if fact.formerly else None)
    latest = None if starts is None else _latest(date, calendar.utc(now))
    return replace(draft, valid_at=starts, valid_by=latest, invalid_at=ends, valid_precision=date.precision)


def _latest(date: DateSpan, now: datetime) -> datetime:
    """The latest time that the beginning can mean: "this year" is not later than it was said."""
    if date.relation == "between":
        return date.first
    return min(date.last, now) if date.first <= now else date.last


def _applies(anchor: Token, verb: Token) -> bool:
    """Whether a date that hangs on `verb` dates what `anchor` states: the same verb, or "started working", or its
    noun."""
    if anchor.i == verb.i or (anchor.dep_ == "xcomp" and anchor.head.i == verb.i):
        return True
    return verb.dep_ == "xcomp" and verb.head.i == anchor.i
