"""What holds when, as it follows from what memories say: closed by later news, ended, given back, believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from memories import changes, queries, services
from memories.graph import decisions, time
from memories.models import Fact, FactBelief, FactDecision, Memory, Project, RelationType, Review
from memories.schema.services import update_relation_type
from memories.validation import NewMemory
from tests.memories.test_graph import run, save

pytestmark = pytest.mark.django_db(transaction=True)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def say(alice: User, project: Project, text: str, at: str, **fields: Any) -> Memory:
    return save(alice, project, NewMemory(content=text, reference_time=day(at), **fields))


def spans(project: Project, predicate: str) -> dict[str, tuple[str, str]]:
    """Validity by object, as days; "" where it is open."""
    rows = Fact.objects.filter(project=project, predicate=predicate, polarity="affirmed").select_related("object")
    return {
        (fact.object.name if fact.object else fact.value or ""): (_day(fact.valid_at), _day(fact.invalid_at))
        for fact in rows.order_by("valid_at", "id")
    }


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else ""


def homes(project: Project, **when: Any) -> set[str]:
    return {fact.object.name for fact in queries.facts(project, predicate="lives_in", **when) if fact.object}


def test_a_newer_home_closes_the_older(alice: User, project: Project) -> None:
    say(alice, project, "Maria Costa lives in Lisbon.", "2020-03-01")
    say(alice, project, "Maria Costa moved to Porto.", "2022-05-01")
    assert spans(project, "lives_in") == {"Lisbon": ("", "2022-05-01"), "Porto": ("2022-05-01", "")}
    closed = Fact.objects.get(object__name="Lisbon", predicate="lives_in")
    assert closed.invalidated_by == Fact.objects.get(object__name="Porto", predicate="lives_in")
    assert homes(project) == {"Porto"}
    assert homes(project, as_of=day("2021-01-01")) == {"Lisbon"}
    assert homes(project, include_invalid=True) == {"Lisbon", "Porto"}


def test_late_news_takes_its_place_in_time(alice: User, project: Project) -> None:
    say(alice, project, "Maria Costa lives in Porto.", "2022-05-01")
    say(alice, project, "Maria Costa lives in Lisbon.", "2020-03-01")
    say(alice, project, "Maria Costa moved to Madrid in 2021.", "2023-01-01")
    assert spans(project, "lives_in") == {
        "Lisbon": ("", "2021-01-01"),
        "Madrid": ("2021-01-01", "2022-05-01"),
        "Porto": ("2022-05-01", ""),
    }


def test_what_confirms_closes_nothing_and_one_fact_is_left(alice: User, project: Project) -> None:
    for at in ("2022-05-01", "2020-03-01", "2021-01-01"):
        say(alice, project, "Maria Costa lives in Porto.", at)
    (fact,) = Fact.objects.filter(predicate="lives_in")
    assert (fact.valid_at, fact.invalid_at, fact.support.count()) == (None, None, 3)


def test_who_comes_back_has_lived_there_twice(alice: User, project: Project) -> None:
    say(alice, project, "Maria Costa lives in Porto.", "2020-03-01")
    back = say(alice, project, "Maria Costa lives in Porto.", "2024-03-01")
    assert Fact.objects.filter(predicate="lives_in").count() == 1
    between = say(alice, project, "Maria Costa lives in Lisbon.", "2022-03-01")
    found = Fact.objects.filter(predicate="lives_in").order_by("valid_at").values_list("object__name", "invalid_at")
    assert sorted(found, key=str) == sorted(
        [("Porto", day("2022-03-01")), ("Lisbon", day("2024-03-01")), ("Porto", None)], key=str
    )
    preview = services.deletion_preview(between)
    assert services.delete_memory(between) == preview
    assert (preview["facts_removed"], preview["facts_restored"]) == (1, 1)
    (fact,) = Fact.objects.filter(predicate="lives_in")
    assert (fact.valid_at, fact.invalid_at, fact.support.count()) == (None, None, 2)
    services.delete_memory(back)
    assert homes(project) == {"Porto"}


@pytest.mark.parametrize(
    ("before", "ending", "predicate", "thing"),
    [
        ("Anna Smith works for Acme.", "Anna Smith left Acme in March 2021.", "works_for", "Acme"),
        ("Anna Smith works for Acme.", "Anna Smith no longer works for Acme.", "works_for", "Acme"),
        ("Anna Smith lives in Berlin.", "Anna Smith moved out of Berlin.", "lives_in", "Berlin"),
        ("Anna Smith lives in Berlin.", "Anna Smith lived in Berlin until 2021.", "lives_in", "Berlin"),
        ("Anna Smith lives in Berlin.", "Anna Smith used to live in Berlin.", "lives_in", "Berlin"),
        ("Anna Smith is married to Tom Miller.", "Tom Miller divorced Anna Smith.", "married_to", "Tom Miller"),
        ("Anna Smith works for Acme.", "Anna Smith died in 2021.", "works_for", "Acme"),
        ("Anna Smith uses Redis.", "Anna Smith stopped using Redis.", "uses", "Redis"),
        ("Anna Smith works for Acme.", "Acme fired Anna Smith.", "works_for", "Acme"),
    ],
)
def test_an_ending_closes_what_it_ends(  # noqa: PLR0917
    alice: User, project: Project, before: str, ending: str, predicate: str, thing: str
) -> None:
    say(alice, project, before, "2020-03-01")
    assert spans(project, predicate) == {thing: ("", "")}
    memory = say(alice, project, ending, "2021-12-01")
    assert spans(project, predicate)[thing][1].startswith("2021"), list(project.facts.values("predicate", "ends"))
    services.delete_memory(memory)
    assert spans(project, predicate) == {thing: ("", "")}


@pytest.mark.parametrize(
    "said",
    [
        "Anna Smith may leave Acme.",
        "Bob Jones says that Anna Smith left Acme.",
        "Did Anna Smith leave Acme?",
        "Anna Smith never worked for Acme.",
        "Anna Smith would like to work for Globex.",
    ],
)
def test_what_is_not_asserted_ends_nothing(alice: User, project: Project, said: str) -> None:
    say(alice, project, "Anna Smith works for Acme.", "2020-03-01")
    say(alice, project, said, "2021-12-01")
    assert spans(project, "works_for")["Acme"] == ("", "")


def test_a_city_and_its_country_do_not_contradict(alice: User, project: Project) -> None:
    say(alice, project, "Anna Smith lives in Graz, Austria.", "2020-03-01")
    say(alice, project, "Anna Smith lives in Austria.", "2021-03-01")
    assert homes(project) == {"Graz", "Austria"}


def test_where_a_place_lies_counts_as_long_as_it_is_said(alice: User, project: Project) -> None:
    say(alice, project, "Maria Costa lives in Zellberg.", "2020-03-01")
    lies = say(alice, project, "Zellberg lies in Porto.", "2020-04-01")
    say(alice, project, "Maria Costa lives in Porto.", "2021-03-01")
    assert homes(project) == {"Zellberg", "Porto"}
    within = Fact.objects.get(predicate="located_in")
    services.invalidate_fact(within, alice, wrong=True)
    assert homes(project) == {"Porto"}
    services.restore_fact(Fact.objects.get(pk=within.pk), alice)
    assert homes(project) == {"Zellberg", "Porto"}
    foreseen = services.deletion_preview(lies)
    assert services.delete_memory(lies) == foreseen
    assert homes(project) == {"Porto"}


def test_what_ended_a_marriage_counts_whoever_marries(alice: User, project: Project) -> None:
    """His death is told of him alone; her other marriage, told later, is derived with it all the same."""
    say(alice, project, "Peter Jones is married to Maria Costa.", "2019-03-01")
    say(alice, project, "Peter Jones died in 2021.", "2022-03-01")
    assert spans(project, "married_to") == {"Maria Costa": ("", "2021-01-01")}
    say(alice, project, "Maria Costa is married to Tom Miller.", "2022-06-01")
    assert spans(project, "married_to")["Maria Costa"] == ("", "2021-01-01")


@pytest.mark.parametrize("functional", [False, True])
def test_what_holds_in_both_directions_is_what_the_schema_says(alice: User, project: Project, functional: bool) -> None:
    say(alice, project, "Anna Smith supports Tom Miller.", "2020-03-01")
    say(alice, project, "Tom Miller no longer supports Anna Smith.", "2021-03-01")
    relation = RelationType.objects.get(project=project, name="supports")
    relation = update_relation_type(relation, {"functional": functional})
    assert spans(project, "supports") == {"Tom Miller": ("", "")}
    relation = update_relation_type(relation, {"symmetric": True})
    assert spans(project, "supports") == {"Tom Miller": ("", "2021-03-01")}
    update_relation_type(relation, {"symmetric": False})
    assert spans(project, "supports") == {"Tom Miller": ("", "")}


def test_what_was_believed_is_still_told(alice: User, project: Project) -> None:
    say(alice, project, "Maria Costa lives in Lisbon.", "2020-03-01")
    first = Fact.objects.get(predicate="lives_in").created_at
    later = say(alice, project, "Maria Costa lives in Porto.", "2022-05-01")
    second = Fact.objects.get(object__name="Porto", predicate="lives_in").created_at
    between = first + (second - first) / 2
    assert homes(project, known_at=between) == {"Lisbon"}
    assert homes(project, known_at=second) == {"Porto"}
    assert homes(project, known_at=first - timedelta(seconds=1)) == set()
    (lisbon,) = queries.facts(project, predicate="lives_in", known_at=between, include_invalid=True)
    assert queries.as_believed(lisbon) == (None, None, None)
    assert FactBelief.objects.count() == 1
    services.delete_memory(later)
    assert FactBelief.objects.count() == 0
    assert homes(project) == {"Lisbon"}
    assert Fact.objects.get(predicate="lives_in").created_at == first


def test_what_a_memory_goes_on_saying_is_known_since_it_said_it(alice: User, project: Project) -> None:
    memory = say(alice, project, "Maria Costa lives in Lisbon.", "2020-03-01")
    before = Fact.objects.get(predicate="lives_in")
    run(services.reprocess_memory(memory))
    after = Fact.objects.get(predicate="lives_in")
    assert (after.pk, after.created_at) == (before.pk, before.created_at)


def test_an_edit_moves_what_it_had_closed(alice: User, project: Project) -> None:
    say(alice, project, "Maria Costa lives in Lisbon.", "2020-03-01")
    memory = say(alice, project, "Maria Costa moved to Porto.", "2022-05-01")
    run(services.update_memory(memory, {"reference_time": day("2023-05-01")}))
    assert spans(project, "lives_in") == {"Lisbon": ("", "2023-05-01"), "Porto": ("2023-05-01", "")}
    run(services.update_memory(memory, {"content": "Maria Costa likes Porto."}))
    assert spans(project, "lives_in") == {"Lisbon": ("", "")}


# --- what people decide


def porto_and_lisbon(alice: User, project: Project) -> tuple[Fact, Fact]:
    say(alice, project, "Maria Costa lives in Lisbon.", "2020-03-01")
    say(alice, project, "Maria Costa lives in Porto.", "2022-05-01")
    return named("Lisbon"), named("Porto")


def named(place: str) -> Fact:
    return Fact.objects.get(object__name=place, predicate="lives_in")


def test_what_is_over_stays_over_when_it_is_read_again(alice: User, project: Project) -> None:
    _, porto = porto_and_lisbon(alice, project)
    services.invalidate_fact(porto, alice, at=day("2023-01-01"))
    assert spans(project, "lives_in")["Porto"] == ("2022-05-01", "2023-01-01")
    for memory in Memory.objects.all():
        run(services.reprocess_memory(memory))
    assert spans(project, "lives_in")["Porto"] == ("2022-05-01", "2023-01-01")
    services.restore_fact(named("Porto"), alice)
    assert spans(project, "lives_in")["Porto"] == ("2022-05-01", "")


def test_a_wrong_fact_is_taken_back_and_what_it_closed_holds(alice: User, project: Project) -> None:
    _, porto = porto_and_lisbon(alice, project)
    known = Fact.objects.get(pk=porto.pk).created_at
    services.invalidate_fact(porto, alice, wrong=True)
    assert homes(project) == {"Lisbon"}
    assert homes(project, known_at=known) == {"Porto"}
    for memory in Memory.objects.all():
        run(services.reprocess_memory(memory))
    assert homes(project) == {"Lisbon"}
    assert named("Porto").expired_at is not None
    services.restore_fact(named("Porto"), alice)
    assert homes(project) == {"Porto"}


def test_a_restored_fact_outweighs_what_was_said_and_not_what_comes(alice: User, project: Project) -> None:
    lisbon, _ = porto_and_lisbon(alice, project)
    services.restore_fact(lisbon, alice)
    assert homes(project) == {"Lisbon", "Porto"}
    say(alice, project, "Maria Costa lives in Madrid.", "2021-05-01")
    assert named("Lisbon").invalid_at is None
    say(alice, project, "Maria Costa lives in Madrid.", "2099-05-01")
    assert named("Lisbon").invalid_at == day("2099-05-01")


def test_a_fact_cannot_end_before_it_began(alice: User, project: Project) -> None:
    _, porto = porto_and_lisbon(alice, project)
    with pytest.raises(decisions.TooEarly):
        services.invalidate_fact(porto, alice, at=day("2021-01-01"))


def test_decisions_go_with_the_last_memory_that_says_it(alice: User, project: Project) -> None:
    memory = say(alice, project, "Maria Costa lives in Lisbon.", "2020-03-01")
    services.invalidate_fact(named("Lisbon"), alice)
    services.delete_memory(memory)
    assert not FactDecision.objects.exists()


def test_changes_tell_what_became_known(alice: User, project: Project) -> None:
    since = timezone.now()
    lisbon, porto = porto_and_lisbon(alice, project)
    services.invalidate_fact(porto, alice, wrong=True)
    told = [(one.kind, one.fact.pk) for one in changes.changes(changes.rows(project, since))]
    assert told[0] in {("taken_back", porto.pk), ("corrected", lisbon.pk)}
    assert sorted(told) == sorted(
        [
            ("taken_back", porto.pk),
            ("corrected", lisbon.pk),
            ("ended", lisbon.pk),
            ("learned", porto.pk),
            ("learned", lisbon.pk),
        ]
    )
    assert not changes.rows(project, timezone.now())


def test_two_homes_at_one_time_are_both_told_and_a_question(alice: User, project: Project) -> None:
    say(alice, project, "Maria Costa lives in Lisbon.", "2020-03-01")
    say(alice, project, "Maria Costa lives in Porto.", "2020-03-01")
    assert homes(project) == {"Lisbon", "Porto"}
    settled = time.settle(project, {named("Lisbon").pk})
    ((unsure),) = settled.unsure
    assert {unsure.one, unsure.other} == {named("Lisbon").pk, named("Porto").pk}


def test_a_question_goes_when_what_is_said_answers_it(alice: User, project: Project) -> None:
    for place in ("Lisbon", "Porto"):
        say(alice, project, f"Maria Costa lives in {place}.", "2020-03-01")
    assert Review.objects.filter(kind="invalidation", state="open").count() == 1
    say(alice, project, "Maria Costa lives in Porto.", "2021-03-01")
    assert not Review.objects.filter(kind="invalidation").exists()


def test_what_holds_needs_no_decision_that_it_does(alice: User, project: Project) -> None:
    say(alice, project, "Maria Costa lives in Lisbon.", "2020-03-01")
    services.restore_fact(named("Lisbon"), alice)
    assert not FactDecision.objects.exists()
    say(alice, project, "Maria Costa lives in Porto.", "2021-03-01")
    assert homes(project) == {"Porto"}


def test_a_relation_that_becomes_functional_closes_and_back(alice: User, project: Project) -> None:
    say(alice, project, "Maria Costa likes Lisbon.", "2020-03-01")
    say(alice, project, "Maria Costa likes Porto.", "2022-03-01")
    assert spans(project, "likes") == {"Lisbon": ("", ""), "Porto": ("", "")}
    RelationType.objects.update_or_create(project=project, name="likes", defaults={"functional": True})
    time.settle(project, predicates={"likes"})
    assert spans(project, "likes") == {"Lisbon": ("", "2022-03-01"), "Porto": ("2022-03-01", "")}
    RelationType.objects.filter(name="likes").update(functional=False)
    time.settle(project, predicates={"likes"})
    assert spans(project, "likes") == {"Lisbon": ("", ""), "Porto": ("", "")}
