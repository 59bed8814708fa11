"""Facts as they follow from what the remaining memories say and people decided, derived anew for what a change touches.

Nothing is patched: a slot's support is read, the engine says which facts follow, and the rows are made to be those. So
any order of ingestion, edit and deletion ends in the same facts, and what only a deleted memory had ended holds again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from memories.engine.temporal import Belief, Held, Rule, Unsure, history, kind_of
from memories.graph import bulk, slots
from memories.graph.documents import index_facts
from memories.graph.relations import Relations, relations_of
from memories.graph.slots import Loaded, Said, chunks
from memories.models import Fact, FactBelief, FactDecision, FactSupport, Memory, Project

DERIVED = [
    "value", "sentence", "valid_at", "invalid_at", "valid_precision", "confidence", "extractor", "created_at",
    "expired_at", "believed_since", "stated_invalid_at", "ends",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnsureFacts:
    """Two facts that contradict each other, and nothing says which came first: for people to decide."""

    one: UUID
    other: UUID
    reason: str


@dataclass
class Settled:
    """What became of the facts of the touched slots: their ids, and the entities whose facts came or went.

    `restored` were over and are not, or for longer. `unsure` are all the questions about the facts of `derived`: what
    was open about these and is not among them any more has been answered by what the memories say.
    """

    removed: set[UUID] = field(default_factory=set)
    restored: set[UUID] = field(default_factory=set)
    entities: set[UUID] = field(default_factory=set)
    unsure: list[UnsureFacts] = field(default_factory=list)
    derived: set[UUID] = field(default_factory=set)

    def add(self, other: Settled) -> None:
        self.removed |= other.removed
        self.restored |= other.restored
        self.entities |= other.entities
        self.unsure += other.unsure
        self.derived |= other.derived


@dataclass(slots=True)
class _Outcome:
    """A fact that follows; `fact` is the row that becomes it, `said` its support, the best first."""

    fact: Fact
    said: list[Said]
    held: Held
    is_new: bool


@dataclass
class _Plan:
    loaded: Loaded
    outcomes: list[_Outcome] = field(default_factory=list)
    unsure: list[Unsure] = field(default_factory=list)

    @property
    def owner(self) -> dict[UUID, UUID]:
        """The fact that each support belongs to from now on."""
        known = {said.id: said.fact for said in self.loaded.said.values()}
        return known | {said.id: outcome.fact.pk for outcome in self.outcomes for said in outcome.said}

    def gone(self) -> set[UUID]:
        return set(self.loaded.facts) - {outcome.fact.pk for outcome in self.outcomes}


def settle(
    project: Project, facts: Collection[UUID] = (), *, subjects: Collection[UUID] = (), predicates: Collection[str] = ()
) -> Settled:
    """Derives the slots anew that these facts are in or end something in, in the caller's transaction.

    Of `subjects` and `predicates` all facts are meant. Entities' counters are the caller's.
    """
    settled = Settled()
    relations = relations_of(project)
    for rows in _rows(project, facts, subjects, predicates):
        plan = _plan(slots.load(slots.touched_by(project, rows, relations), relations))
        settled.add(_apply(project, plan))
    return settled


def derive(fact: Fact, said: Sequence[Said], relations: Relations) -> bool:
    """Gives a new fact what `settle` would, when this is all that is said in its line and nothing ends it.

    False, and nothing changed, where more follows from it than this one fact.
    """
    rule = Rule(kind_of(fact.predicate, relations.functional))
    held, unsure = history([slots.saying(fact, one, relations) for one in said], [], rule)
    if len(held) != 1 or held[0].earlier or unsure:
        return False
    best = sorted(said, key=lambda one: one.rank)
    for name, value in _values(_Outcome(fact, best, held[0], is_new=True)).items():
        setattr(fact, name, value)
    return True


def foresee(memory: Memory, facts: Collection[UUID]) -> Settled:
    """What `settle` would do with these facts if the memory were gone; writes nothing."""
    settled = Settled()
    relations = relations_of(memory.project)
    for rows in _rows(memory.project, facts):
        plan = _plan(slots.load(slots.touched_by(memory.project, rows, relations), relations, without=memory))
        settled.add(_summary(plan))
    return settled


def _rows(
    project: Project, facts: Collection[UUID], subjects: Collection[UUID] = (), predicates: Collection[str] = ()
) -> Iterator[list[Fact]]:
    """The facts by subject, so that a slot is derived once."""
    found = {
        pk: subject
        for chunk in chunks(sorted(set(facts)))
        for pk, subject in Fact.objects.filter(project=project, pk__in=chunk).values_list("pk", "subject_id")
    }
    for chunk in chunks(sorted(set(subjects))):
        rows = Fact.objects.filter(Q(subject__in=chunk) | Q(object__in=chunk), project=project)
        found |= dict(rows.values_list("pk", "subject_id"))
    if predicates:
        rows = Fact.objects.filter(project=project, predicate__in=predicates)
        found |= dict(rows.values_list("pk", "subject_id"))
    for chunk in chunks(sorted(found, key=lambda pk: (found[pk], pk))):
        yield list(Fact.objects.filter(pk__in=chunk))


# --- what follows


def _plan(loaded: Loaded) -> _Plan:
    plan = _Plan(loaded)
    for line in loaded.lines:
        if not any(saying.said != "closes" for saying in line.sayings):
            continue
        held, unsure = history(line.sayings, slots.decisions_of(loaded, line), line.rule)
        plan.unsure += unsure
        for one in held:
            plan.outcomes += _outcomes(loaded, one)
    _choose_rows(plan)
    return plan


def _outcomes(loaded: Loaded, held: Held) -> Iterator[_Outcome]:
    """A fact for each direction in which a stretch is said; the row is chosen later."""
    directions: dict[tuple[UUID, UUID | None], list[Said]] = defaultdict(list)
    for saying in held.stretch.sayings:
        said = loaded.said[saying.id]  # type: ignore[index]
        fact = loaded.facts[said.fact]
        directions[fact.subject_id, fact.object_id].append(said)
    for said_here in directions.values():
        best = sorted(said_here, key=lambda said: said.rank)
        yield _Outcome(loaded.facts[best[0].fact], best, held, is_new=True)


def _choose_rows(plan: _Plan) -> None:
    """Each fact stays the row that most of its support belongs to; the others get rows of their own."""
    claims = []
    for place, outcome in enumerate(plan.outcomes):
        counts: dict[UUID, int] = defaultdict(int)
        for said in outcome.said:
            counts[said.fact] += 1
        claims += [(-count, str(fact), place, fact) for fact, count in counts.items()]
    taken: set[UUID] = set()
    for _, _, place, pk in sorted(claims):
        outcome = plan.outcomes[place]
        if outcome.is_new and pk not in taken:
            taken.add(pk)
            outcome.fact, outcome.is_new = plan.loaded.facts[pk], False
    for outcome in plan.outcomes:
        if outcome.is_new:
            outcome.fact = _sibling(outcome.fact)


def _sibling(fact: Fact) -> Fact:
    return Fact(
        project_id=fact.project_id,
        subject_id=fact.subject_id,
        predicate=fact.predicate,
        object_id=fact.object_id,
        polarity=fact.polarity,
    )


def _values(outcome: _Outcome) -> dict[str, object]:
    stretch, best = outcome.held.stretch, outcome.said[0]
    since = outcome.held.since
    return {
        "value": best.value if outcome.fact.object_id is None else None,
        "sentence": best.sentence,
        "valid_at": stretch.start,
        "invalid_at": stretch.end,
        "valid_precision": stretch.precision,
        "confidence": best.confidence,
        "extractor": best.extractor,
        "created_at": outcome.held.created,
        "expired_at": stretch.expired,
        "believed_since": since if since > outcome.held.created else None,
        "stated_invalid_at": stretch.stated,
        "ends": " ".join(sorted({word for said in outcome.said for word in said.ends.split()}))[:300],
    }


def _summary(plan: _Plan) -> Settled:
    """What the plan does, before it is done."""
    gone = plan.gone()
    settled = Settled(removed={pk for pk in gone if not plan.loaded.by_fact[pk]}, derived=set(plan.loaded.facts))
    for outcome in plan.outcomes:
        old, end = outcome.fact.invalid_at, outcome.held.stretch.end
        if not outcome.is_new and old is not None and (end is None or end > old):
            settled.restored.add(outcome.fact.pk)
        if outcome.is_new:
            settled.entities |= _ends(outcome.fact)
    for pk in gone:
        settled.entities |= _ends(plan.loaded.facts[pk])
    owner = plan.owner
    settled.unsure = [UnsureFacts(owner[one.one], owner[one.other], one.reason) for one in plan.unsure]  # type: ignore[index]
    return settled


def _ends(fact: Fact) -> set[UUID]:
    return {end for end in (fact.subject_id, fact.object_id) if end is not None}


# --- writing it


def _apply(project: Project, plan: _Plan) -> Settled:
    settled = _summary(plan)
    changed, reworded = [], []
    for outcome in plan.outcomes:
        fact, values = outcome.fact, _values(outcome)
        if outcome.is_new or any(getattr(fact, name) != value for name, value in values.items()):
            if outcome.is_new or fact.sentence != values["sentence"] or fact.value != values["value"]:
                reworded.append(fact)
            for name, value in values.items():
                setattr(fact, name, value)
            if not outcome.is_new:
                changed.append(fact)
    bulk.create([outcome.fact for outcome in plan.outcomes if outcome.is_new])
    bulk.update(changed, DERIVED)
    _move_support(plan)
    _move_decisions(plan)
    _write_beliefs(plan)
    _link(plan)
    for chunk in chunks(sorted(plan.gone())):
        Fact.objects.filter(pk__in=chunk).delete()
    index_facts(project, [fact.pk for fact in reworded])
    return settled


def _move_support(plan: _Plan) -> None:
    moved: dict[UUID, list[UUID]] = defaultdict(list)
    for outcome in plan.outcomes:
        for said in outcome.said:
            if said.fact != outcome.fact.pk:
                moved[outcome.fact.pk].append(said.id)
    rows = [FactSupport(pk=pk, fact_id=fact) for fact, ids in moved.items() for pk in ids]
    bulk.update(rows, ["fact"])


def _move_decisions(plan: _Plan) -> None:
    """What was decided about a fact whose row goes is about the fact that its support is in now."""
    heirs = {said.fact: outcome.fact.pk for outcome in plan.outcomes for said in outcome.said}
    rows = [
        FactDecision(pk=decision.pk, fact_id=heirs[fact])
        for fact in plan.gone()
        for decision in plan.loaded.decisions.get(fact, ())
        if fact in heirs
    ]
    bulk.update(rows, ["fact"])


def _write_beliefs(plan: _Plan) -> None:
    outdated: list[int] = []
    new: list[FactBelief] = []
    for outcome in plan.outcomes:
        old = [] if outcome.is_new else plan.loaded.beliefs.get(outcome.fact.pk, [])
        if [_belief(row) for row in old] != list(outcome.held.earlier):
            outdated += [row.pk for row in old]
            new += [_belief_row(outcome.fact, belief) for belief in outcome.held.earlier]
    for chunk in chunks(outdated):
        FactBelief.objects.filter(pk__in=chunk).delete()
    bulk.create(new)


def _belief(row: FactBelief) -> Belief:
    span = row.valid_at, row.invalid_at, row.valid_precision
    return Belief(row.known_from, row.known_until, span)  # type: ignore[arg-type]


def _belief_row(fact: Fact, belief: Belief) -> FactBelief:
    valid_at, invalid_at, precision = belief.span
    return FactBelief(
        fact_id=fact.pk,
        valid_at=valid_at,
        invalid_at=invalid_at,
        valid_precision=precision,
        known_from=belief.since,
        known_until=belief.until,
    )


def _link(plan: _Plan) -> None:
    """Says of each fact which one ended it."""
    owner, changed = plan.owner, []
    for outcome in plan.outcomes:
        by = outcome.held.stretch.closed_by
        ended_by = owner.get(by) if isinstance(by, UUID) else None
        if outcome.fact.invalidated_by_id != ended_by:
            outcome.fact.invalidated_by_id = ended_by
            changed.append(outcome.fact)
    bulk.update(changed, ["invalidated_by"])
