"""What the facts of some slots follow from: the support of a subject's relation, what ends it, what people decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeAlias, TypeVar
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Substr

from memories.engine.temporal import ANYBODY, PLACED, WITHIN, Decision, Rule, Saying, Thing, key_of, kind_of
from memories.engine.types import Precision
from memories.graph.relations import Relations
from memories.models import Entity, Fact, FactBelief, FactDecision, FactSupport, Memory, Project

T = TypeVar("T")
BATCH = 500
Slot: TypeAlias = tuple[UUID, str]  # a subject, or either end of a symmetric relation, and a predicate


@dataclass(frozen=True, slots=True)
class Said:
    """One support with what it states."""

    id: UUID
    fact: UUID
    memory: UUID
    said_at: datetime
    position: int
    speaker: str
    start: int
    sentence: str
    extractor: str
    value: str | None
    valid_at: datetime | None
    valid_by: datetime | None
    invalid_at: datetime | None
    precision: Precision | None
    confidence: float
    ends: str
    known_at: datetime | None

    @property
    def rank(self) -> tuple[object, ...]:
        """The best first: the words of a fact do not depend on which memory was saved first."""
        return -self.confidence, self.said_at, self.sentence, self.value or "", self.start, self.extractor, self.ends


@dataclass(slots=True)
class Line:
    """Everything that the facts of one slot, or of one pair of a symmetric relation, follow from."""

    rule: Rule
    sayings: list[Saying] = field(default_factory=list)


@dataclass
class Loaded:
    """The facts of the slots and all that they follow from. `said` also has the support of facts that end others."""

    facts: dict[UUID, Fact] = field(default_factory=dict)
    said: dict[UUID, Said] = field(default_factory=dict)
    by_fact: dict[UUID, list[Said]] = field(default_factory=lambda: defaultdict(list))
    beliefs: dict[UUID, list[FactBelief]] = field(default_factory=lambda: defaultdict(list))
    decisions: dict[UUID, list[FactDecision]] = field(default_factory=lambda: defaultdict(list))
    lines: list[Line] = field(default_factory=list)


def thing_of(fact: Fact) -> Thing:
    if fact.object_id is not None:
        return "entity", str(fact.object_id)
    return "value", (fact.value or "").casefold()


# --- which slots a change touches


@dataclass(slots=True)
class Touched:
    """Slots with the things in them that changed; None stands for all things."""

    things: dict[Slot, set[Thing] | None] = field(default_factory=dict)

    def add(self, entity: UUID, predicate: str, thing: Thing | None) -> None:
        known = self.things.setdefault((entity, predicate), set())
        if thing is None:
            self.things[entity, predicate] = None
        elif known is not None:
            known.add(thing)

    def has(self, entity: UUID, predicate: str, thing: Thing) -> bool:
        known = self.things.get((entity, predicate), set())
        return known is None or thing in known


def touched_by(project: Project, facts: Iterable[Fact], relations: Relations) -> Touched:
    """The slots of the facts, of what they end, and of who lives in a place that now lies in another."""
    touched = Touched()
    placed: set[UUID] = set()
    for fact in facts:
        _touch(touched, fact, fact.predicate, relations, anything=False)
        for word in fact.ends.split():
            name = word.removesuffix(ANYBODY)
            _touch(touched, fact, name, relations, anything=name != word)
        if fact.predicate in WITHIN and fact.object_id is not None:
            placed |= {fact.subject_id, fact.object_id}
    for chunk in chunks(sorted(placed)):
        there = Fact.objects.filter(project=project, predicate__in=PLACED, object__in=chunk)
        for subject, predicate in there.values_list("subject_id", "predicate").distinct():
            touched.add(subject, predicate, None)
    return touched


def _touch(touched: Touched, fact: Fact, predicate: str, relations: Relations, *, anything: bool) -> None:
    whole = anything or relations.is_whole(predicate)
    touched.add(fact.subject_id, predicate, None if whole else thing_of(fact))
    if predicate in relations.symmetric and fact.object_id is not None:
        touched.add(fact.object_id, predicate, None if whole else ("entity", str(fact.subject_id)))


# --- reading them


def load(touched: Touched, relations: Relations, without: Memory | None = None) -> Loaded:
    """The slots as they are, or as they would be `without` a memory. A fixed number of queries for 500 subjects."""
    loaded = Loaded()
    rows = _facts(touched, relations)
    pairs = [fact for fact in rows if relations.is_pair(fact)]
    others = _facts(
        _around(_partners(fact for fact in pairs if relations.is_whole(fact.predicate)), relations), relations
    )
    ending = _ending({entity for entity, _ in touched.things} | _partners(pairs))
    inside = _inside(rows)
    loaded.facts = {fact.pk: fact for fact in rows}
    every = {fact.pk: fact for fact in (*inside, *ending, *others, *rows)}
    for said in _said(every, without):
        loaded.said[said.id] = said
        loaded.by_fact[said.fact].append(said)
    for chunk in chunks(list(loaded.facts)):
        for belief in FactBelief.objects.filter(fact__in=chunk).order_by("known_from", "id"):
            loaded.beliefs[belief.fact_id].append(belief)
    for chunk in chunks(list(every)):
        for decision in FactDecision.objects.filter(fact__in=chunk).order_by("made_at", "id"):
            loaded.decisions[decision.fact_id].append(decision)
    _lines(loaded, every, ending, inside, relations)
    return loaded


def _facts(touched: Touched, relations: Relations) -> list[Fact]:
    found: dict[UUID, Fact] = {}
    by_predicate: dict[str, set[UUID]] = defaultdict(set)
    for entity, predicate in touched.things:
        by_predicate[predicate].add(entity)
    asked: dict[tuple[UUID, ...], list[str]] = defaultdict(list)
    for predicate, entities in by_predicate.items():
        asked[tuple(sorted(entities))].append(predicate)
    for group, predicates in asked.items():
        for chunk in chunks(group):
            ends = Q(subject__in=chunk)
            if both := relations.symmetric.intersection(predicates):
                ends |= Q(object__in=chunk, predicate__in=both)
            found |= Fact.objects.filter(ends, predicate__in=predicates).in_bulk()
    return [fact for fact in found.values() if _is_touched(touched, fact, relations)]


def _is_touched(touched: Touched, fact: Fact, relations: Relations) -> bool:
    if touched.has(fact.subject_id, fact.predicate, thing_of(fact)):
        return True
    return relations.is_pair(fact) and touched.has(fact.object_id, fact.predicate, ("entity", str(fact.subject_id)))  # type: ignore[arg-type]


def _partners(pairs: Iterable[Fact]) -> set[UUID]:
    return {end for fact in pairs for end in (fact.subject_id, fact.object_id) if end is not None}


def _around(entities: Collection[UUID], relations: Relations) -> Touched:
    """The other marriages of those who are married: what may end one, though it is not touched itself."""
    touched = Touched()
    for entity in entities:
        for predicate in filter(relations.is_whole, relations.symmetric):
            touched.add(entity, predicate, None)
    return touched


def _ending(entities: Collection[UUID]) -> list[Fact]:
    """The facts about them that say that another one is over."""
    found: dict[UUID, Fact] = {}
    for chunk in chunks(sorted(entities)):
        rows = Fact.objects.filter(polarity=Fact.Polarity.AFFIRMED).exclude(ends="")
        found |= rows.filter(subject__in=chunk).in_bulk()
        found |= rows.filter(object__in=chunk).in_bulk()
    return list(found.values())


def _homes(facts: Iterable[Fact]) -> set[UUID]:
    return {fact.object_id for fact in facts if fact.predicate in PLACED and fact.object_id is not None}


def _inside(facts: Iterable[Fact]) -> list[Fact]:
    """The facts that say in what the places lie that people are said to be in."""
    found: list[Fact] = []
    for chunk in chunks(sorted(_homes(facts))):
        rows = Fact.objects.filter(subject__in=chunk, predicate__in=WITHIN, polarity=Fact.Polarity.AFFIRMED)
        found += rows.exclude(object=None)
    return found


def _said(facts: Collection[UUID], without: Memory | None) -> Iterable[Said]:
    sentence = Substr("passage__text", F("start") - F("passage__start") + 1, F("end") - F("start"))
    for chunk in chunks(sorted(facts)):
        rows: QuerySet[FactSupport] = FactSupport.objects.filter(fact__in=chunk).order_by("id")
        if without is not None:
            rows = rows.exclude(memory=without)
        for row in rows.values_list(
            "id",
            "fact_id",
            "memory_id",
            Coalesce("passage__at", "memory__reference_time"),
            "passage__position",
            "passage__speaker",
            "start",
            sentence,
            "extractor",
            "value",
            "valid_at",
            "valid_by",
            "invalid_at",
            "valid_precision",
            "confidence",
            "ends",
            "known_at",
        ):
            yield Said(*row)


# --- as what the engine reads


def _lines(
    loaded: Loaded, facts: Mapping[UUID, Fact], ending: Iterable[Fact], inside: Iterable[Fact], relations: Relations
) -> None:
    """A line for each touched slot; of a symmetric relation one for each pair."""
    lines: dict[tuple[object, ...], Line] = {}
    within, names = _places(loaded, inside)
    for fact in loaded.facts.values():
        place = _line_of(fact, relations)
        if place not in lines:
            kind = kind_of(fact.predicate, relations.functional)
            places = fact.predicate in PLACED
            lines[place] = Line(Rule(kind, places, names if places else {}, within))
        lines[place].sayings += [saying(fact, said, relations) for said in loaded.by_fact[fact.pk]]
    for fact in ending:
        for place, thing in _ended_lines(fact, lines, relations):
            lines[place].sayings += [_closing(said, thing, fact.created_at) for said in _counted(loaded, fact)]
    for fact in facts.values():
        if relations.is_pair(fact) and relations.is_whole(fact.predicate):
            _end_other_pairs(loaded, fact, lines)
    loaded.lines = list(lines.values())


def _line_of(fact: Fact, relations: Relations) -> tuple[object, ...]:
    if relations.is_pair(fact):
        return fact.predicate, frozenset((fact.subject_id, fact.object_id))
    if relations.is_whole(fact.predicate):
        return fact.predicate, fact.subject_id
    return fact.predicate, fact.subject_id, thing_of(fact)


def _line_thing(fact: Fact, relations: Relations) -> Thing:
    """The thing of a fact in its line; a pair of a symmetric relation is one thing, whichever way it is said."""
    if relations.is_pair(fact):
        return "entity", " ".join(sorted((str(fact.subject_id), str(fact.object_id))))
    return thing_of(fact)


def saying(fact: Fact, said: Said, relations: Relations) -> Saying:
    kinds = {"affirmed": "holds", "negated": "denied"}
    return Saying(
        id=said.id,
        thing=_line_thing(fact, relations),
        said=kinds.get(fact.polarity, "idle"),  # type: ignore[arg-type]
        said_at=said.said_at,
        known_at=said.known_at or fact.created_at,
        ends=bool(said.ends),
        begins=said.valid_at,
        begins_by=said.valid_by,
        over=said.invalid_at,
        precision=said.precision,
        talk=said.memory if said.speaker else None,
        position=said.position,
        mood=fact.polarity,
    )


def _closing(said: Said, thing: Thing | None, known_at: datetime) -> Saying:
    return Saying(
        id=said.id,
        thing=thing,
        said="closes",
        said_at=said.said_at,
        known_at=said.known_at or known_at,
        begins=said.valid_at,
        begins_by=said.valid_by,
        precision=said.precision,
        talk=said.memory if said.speaker else None,
        position=said.position,
    )


def _ended_lines(
    fact: Fact, lines: Mapping[tuple[object, ...], Line], relations: Relations
) -> Iterable[tuple[tuple[object, ...], Thing | None]]:
    """The lines that a fact ends something of, and what."""
    for word in fact.ends.split():
        name = word.removesuffix(ANYBODY)
        if name == word:
            stand_in = Fact(subject_id=fact.subject_id, predicate=name, object_id=fact.object_id, value=fact.value)
            place = _line_of(stand_in, relations)
            yield from [(place, _line_thing(stand_in, relations))] if place in lines else []
            continue
        for place in lines:
            ends = place[1] if isinstance(place[1], frozenset) else {place[1]}
            if place[0] == name and fact.subject_id in ends:
                yield place, None


def _end_other_pairs(loaded: Loaded, fact: Fact, lines: Mapping[tuple[object, ...], Line]) -> None:
    """A marriage ends the other marriages of both."""
    if fact.polarity != Fact.Polarity.AFFIRMED or fact.object_id is None:
        return
    own = frozenset((fact.subject_id, fact.object_id))
    ending = [
        _closing(said, None, fact.created_at)
        for said in _counted(loaded, fact)
        if said.invalid_at is None or said.valid_at is not None
    ]
    for place, line in lines.items():
        pair = place[1]
        if place[0] == fact.predicate and isinstance(pair, frozenset) and pair != own and pair & own:
            line.sayings += [closing for closing in ending if all(one.high != closing.high for one in line.sayings)]


def _counted(loaded: Loaded, fact: Fact) -> list[Said]:
    """The support of a fact that ends others, without what somebody said is wrong."""
    latest = loaded.decisions[fact.pk][-1:]
    if latest and latest[0].kind == FactDecision.Kind.WRONG:
        return [said for said in loaded.by_fact[fact.pk] if said.said_at > latest[0].made_at]
    return loaded.by_fact[fact.pk]


def _places(loaded: Loaded, inside: Iterable[Fact]) -> tuple[dict[Thing, set[Thing]], dict[Thing, str]]:
    """Which of the places that people are said to be in lie in which others, and what they are called."""
    within: dict[Thing, set[Thing]] = defaultdict(set)
    names: dict[Thing, str] = {}
    for fact in inside:
        if _counted(loaded, fact):
            within["entity", str(fact.subject_id)].add(thing_of(fact))
    for chunk in chunks(sorted(_homes(loaded.facts.values()))):
        for pk, name in Entity.objects.filter(pk__in=chunk).values_list("pk", "name"):
            names["entity", str(pk)] = name
    for inner in list(within):
        within[inner] |= {outer for middle in list(within[inner]) for outer in within.get(middle, ())}
    return within, names


def decisions_of(loaded: Loaded, line: Line) -> list[Decision]:
    """What people decided about the keys of a line."""
    found = []
    for saying in line.sayings:
        said = loaded.said[saying.id]  # type: ignore[index]
        if saying.thing is None or saying.said == "closes":
            continue
        for row in loaded.decisions.get(said.fact, ()):
            key = key_of(saying, saying.thing, line.rule)
            found.append(Decision(key, row.kind, row.made_at, row.at))  # type: ignore[arg-type]
    return list(dict.fromkeys(found))


def chunks(items: Iterable[T]) -> Iterable[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, BATCH)):
        yield chunk
