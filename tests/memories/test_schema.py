"""A project's types: what may be kept, what the pipeline makes of them, and what it proposes."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memories import queries as fact_queries
from memories import services as memory_services
from memories.engine.relations import HINTS, RELATIONS
from memories.graph import schema as graph_schema
from memories.models import Entity, EntityType, Fact, Memory, Mention, Project, RelationType, SchemaType, TypeWords
from memories.schema import queries, services, validation
from memories.validation import NewMemory
from tests.memories.test_graph import home, owner, run, save

__all__ = ["home", "owner"]
pytestmark = pytest.mark.django_db(transaction=True)
Origin, State = SchemaType.Origin, SchemaType.State
CREW = "Anna mentored Tom. Anna mentored Ida. Tom repaired the Zorbl."


def reread(memory: Memory) -> None:
    run(memory_services.reprocess_memory(memory))


def proposed(project: Project) -> set[str]:
    return set(RelationType.objects.filter(project=project, state=State.PROPOSED).values_list("name", flat=True))


def facts(project: Project) -> set[tuple[str, str, str]]:
    rows = Fact.objects.filter(project=project).values_list("subject__name", "predicate", "object__name", "value")
    return {(subject, predicate, thing or value or "") for subject, predicate, thing, value in rows}


def field_errors(change: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as error:
        change()
    return error.value.message_dict


# --- what every project begins with


def test_a_project_begins_with_the_built_in_types(home: Project) -> None:
    relations = RelationType.objects.filter(project=home)
    assert set(relations.values_list("name", "origin", "state")) == {
        (name, "built_in", "accepted") for name in RELATIONS
    }
    functional = set(relations.filter(functional=True).values_list("name", flat=True))
    assert functional == {name for name, one in RELATIONS.items() if one.rule.functional}
    assert {"lives_in", "works_for", "married_to"} <= functional
    assert home.entity_types.filter(origin="built_in").count() == 9
    schema = graph_schema.load(home)
    assert schema.relation_types["married_to"].symmetric
    assert not schema.disabled_relations
    assert not schema.phrases


# --- proposals


def test_what_no_type_names_is_proposed_with_an_example(owner: User, home: Project) -> None:
    memory = save(owner, home, CREW)
    assert "mentor" in proposed(home)
    assert proposed(home).isdisjoint(RELATIONS)
    row = queries.relation_types(home).get(name="mentor")
    assert (row.used, row.example) == (2, "Anna mentored Tom.")  # type: ignore[attr-defined]  # annotated
    memory_services.delete_memory(memory)
    assert proposed(home) == set()


def test_proposals_change_nothing_that_is_read(owner: User, home: Project) -> None:
    before = graph_schema.load(home)
    memory = save(owner, home, CREW)
    assert graph_schema.load(home) == before
    first = facts(home)
    services.accept(RelationType.objects.get(project=home, name="mentor"))
    reread(memory)
    assert facts(home) == first


def test_what_is_rejected_is_not_read_again_nor_proposed(owner: User, home: Project) -> None:
    memory = save(owner, home, CREW)
    row = RelationType.objects.get(project=home, name="mentor")
    services.reject(row)
    assert ("Anna", "mentor", "Tom") in facts(home)
    reread(memory)
    assert not {fact for fact in facts(home) if fact[1] == "mentor"}
    assert "mentor" not in proposed(home)
    services.accept(row)
    reread(memory)
    assert ("Anna", "mentor", "Tom") in facts(home)


def test_an_accepted_type_stays_when_its_last_fact_goes(owner: User, home: Project) -> None:
    memory = save(owner, home, CREW)
    services.accept(RelationType.objects.get(project=home, name="mentor"))
    memory_services.delete_memory(memory)
    assert set(RelationType.objects.filter(project=home, origin=Origin.LEARNED).values_list("name", "state")) == {
        ("mentor", "accepted")
    }


SENTENCES = [CREW, "Ida mentored Tom. Ida paints boats.", "Lars repaired the Zorbl.", "Anna lives in Oslo."]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(4)), st.sets(st.integers(0, 3), max_size=2), st.booleans())
def test_proposals_do_not_depend_on_the_order(owner: User, order: list[int], deleted: set[int], again: bool) -> None:
    mixed = memory_services.create_project(owner, name="Mixed")
    saved = {number: save(owner, mixed, SENTENCES[number]) for number in order}
    for number in deleted:
        memory_services.delete_memory(saved[number])
    if again and (left := [number for number in order if number not in deleted]):
        reread(saved[left[0]])
    plain = memory_services.create_project(owner, name="Plain")
    for number in sorted(set(order) - deleted):
        save(owner, plain, SENTENCES[number])
    assert proposed(mixed) == proposed(plain)
    assert facts(mixed) == facts(plain)


def test_an_edit_that_says_something_else_takes_the_proposal_back(owner: User, home: Project) -> None:
    memory = save(owner, home, CREW)
    run(memory_services.update_memory(memory, {"content": "Anna lives in Oslo."}))
    assert proposed(home) == set()


# --- own types in the pipeline


def test_patterns_and_names_of_a_type_win(owner: User, home: Project) -> None:
    services.create_entity_type(home, {"name": "ticket", "pattern": r"\bOPS-\d+\b"})
    services.create_entity_type(home, {"name": "vessel", "words": ["London", "Sea Cloud"]})
    save(owner, home, "Anna closed OPS-12 on the Sea Cloud. Tom was born in London.")
    kinds = dict(Entity.objects.filter(project=home).values_list("name", "type"))
    assert (kinds["OPS-12"], kinds["Sea Cloud"], kinds["London"]) == ("ticket", "vessel", "vessel")
    assert Mention.objects.get(entity__name="OPS-12").text == "OPS-12"


def test_a_disabled_type_is_not_read_and_comes_back(owner: User, home: Project) -> None:
    memory = save(owner, home, "Anna works for Acme in Berlin.")
    before = facts(home)
    organization = home.entity_types.get(name="organization")
    services.update_entity_type(organization, {"enabled": False})
    reread(memory)
    assert not Entity.objects.filter(project=home, name="Acme").exists()
    assert Entity.objects.filter(project=home, name="Anna").exists()
    services.update_entity_type(organization, {"enabled": True})
    reread(memory)
    assert facts(home) == before


def test_a_relation_limited_to_a_pair(owner: User, home: Project) -> None:
    row = home.relation_types.get(name="works_for")
    services.update_relation_type(row, {"subject_types": ["person"], "object_types": ["group"]})
    save(owner, home, "Anna works for Acme in Berlin.")
    assert ("Anna", "related_to", "Acme") in facts(home)
    assert not Fact.objects.filter(project=home, predicate="works_for").exists()


def test_own_phrases_name_a_relation(owner: User, home: Project) -> None:
    services.create_relation_type(home, {"name": "mentors", "phrases": ["mentor", "coach of"], "functional": True})
    save(owner, home, "Anna mentored Tom. Ida is the coach of Tom.")
    assert {("Anna", "mentors", "Tom"), ("Ida", "mentors", "Tom")} <= facts(home)
    assert graph_schema.load(home).relation_types["mentors"].functional


def test_one_at_a_time_is_applied_to_the_facts_that_are_there(owner: User, home: Project) -> None:
    for year, town in ((2020, "Oslo"), (2023, "Rome")):
        said = datetime(year, 5, 1, tzinfo=UTC)
        save(owner, home, NewMemory(content=f"Anna lives in {town}.", reference_time=said))
    lives_in = home.relation_types.get(name="lives_in")

    def now() -> set[str]:
        return set(fact_queries.facts(home, predicate="lives_in").values_list("object__name", flat=True))

    assert now() == {"Rome"}
    services.update_relation_type(lives_in, {"functional": False})
    assert now() == {"Oslo", "Rome"}
    version = Project.objects.get(pk=home.pk).graph_version
    services.update_relation_type(lives_in, {"functional": False, "label": "is at home in"})
    assert Project.objects.get(pk=home.pk).graph_version == version
    services.update_relation_type(lives_in, {"functional": True})
    assert now() == {"Rome"}
    assert Entity.objects.get(project=home, name="Oslo").fact_count == 1


def test_another_projects_types_do_not_matter(owner: User, home: Project) -> None:
    other = memory_services.create_project(owner, name="Other")
    services.create_entity_type(other, {"name": "ticket", "words": ["Zorbl", "Tom"]})
    save(owner, home, CREW)
    assert not Entity.objects.filter(project=home, type="ticket").exists()


# --- what may be kept


@pytest.mark.parametrize(
    "name", ["", "Person", "1st", "a b", "a-b", "ä", "x" * 65, "memory", "value", "related_to", "a\x00b"]
)
def test_a_name_that_is_none(home: Project, name: str) -> None:
    assert field_errors(lambda: services.create_entity_type(home, {"name": name})).keys() == {"name"}
    assert field_errors(lambda: services.create_relation_type(home, {"name": name})).keys() == {"name"}


def test_a_name_that_is_taken(home: Project) -> None:
    assert "already" in field_errors(lambda: services.create_entity_type(home, {"name": "person"}))["name"][0]
    assert "already" in field_errors(lambda: services.create_relation_type(home, {"name": "lives_in"}))["name"][0]


@pytest.mark.parametrize(
    "words",
    [
        ["the"],
        ["fine", "The"],
        ["I"],
        ["a"],
        ["x"],
        [""],
        ["  "],
        ["😀"],
        ["?!"],
        ["王"],
        ["n" * 201],
        ["one two " * 9],
        ["a\x00b"],
        ["\ud800x"],
    ],
)
def test_names_that_are_every_word_or_none(home: Project, words: list[str]) -> None:
    assert field_errors(lambda: services.create_entity_type(home, {"name": "thing", "words": words})).keys() == {
        "words"
    }
    assert not home.entity_types.filter(name="thing").exists()


def test_a_name_may_look_like_a_small_word_in_capitals() -> None:
    assert validation.check_words(["IT", "US", "Go  Board", "Go Board", "C++"]) == ["IT", "US", "Go Board", "C++"]


def test_a_million_names_are_refused_and_many_are_kept(home: Project) -> None:
    names = (f"Name {number}" for number in itertools.count())
    million = list(itertools.islice(names, 1_000_000))
    refused = field_errors(lambda: services.create_entity_type(home, {"name": "all_names", "words": million}))
    assert "1,000,000 names" in refused["words"][0]
    row = services.create_entity_type(home, {"name": "all_names", "words": million[: validation.MAX_NAMES - 1]})
    assert TypeWords.objects.get(entity_type=row).count == validation.MAX_NAMES - 1
    more = field_errors(lambda: services.create_entity_type(home, {"name": "more", "words": ["Aa", "Bb"]}))
    assert "1 more" in more["words"][0]
    services.create_entity_type(home, {"name": "more", "words": ["Aa"]})


def test_a_name_has_one_type(home: Project) -> None:
    services.create_entity_type(home, {"name": "language", "words": ["Python", "Go"]})
    refused = field_errors(lambda: services.create_entity_type(home, {"name": "snake", "words": ["Boa", "Python"]}))
    assert refused["words"] == ["“Python”: the type language lists that already (1 in all)."]


@pytest.mark.parametrize("pattern", ["(", "x*", ".+", r"\w+", "a" * 501, "\x00"])
def test_a_pattern_that_is_none(home: Project, pattern: str) -> None:
    assert field_errors(lambda: services.create_entity_type(home, {"name": "t1", "pattern": pattern})).keys() == {
        "pattern"
    }


def test_a_pattern_that_came_around_the_checks_finds_nothing(owner: User, home: Project) -> None:
    EntityType.objects.create(project=home, name="broken", pattern="(")
    save(owner, home, "Anna lives in Oslo.")
    assert ("Anna", "lives_in", "Oslo") in facts(home)


def test_noun_phrases_need_nouns(home: Project) -> None:
    values = {"name": "symptom", "noun_phrases": True}
    assert field_errors(lambda: services.create_entity_type(home, values)).keys() == {"words"}
    row = services.create_entity_type(home, {**values, "words": ["headache"]})
    assert field_errors(lambda: services.update_entity_type(row, {"words": []})).keys() == {"words"}


@pytest.mark.parametrize("phrases", [["the"], [""], ["look; after"], ["a b c d e"], ["1"], ["éa"], ["x" * 61]])
def test_phrases_that_are_none(home: Project, phrases: list[str]) -> None:
    values = {"name": "cares_for", "phrases": phrases}
    assert field_errors(lambda: services.create_relation_type(home, values)).keys() == {"phrases"}


def test_a_phrase_says_one_relation(home: Project) -> None:
    services.create_relation_type(home, {"name": "mentors", "phrases": ["Mentor"]})
    refused = field_errors(lambda: services.create_relation_type(home, {"name": "teaches_of", "phrases": ["mentor"]}))
    assert refused["phrases"] == ["“mentor” says mentors already."]


def test_pairs_are_of_types_that_there_are(home: Project) -> None:
    row = home.relation_types.get(name="works_for")
    refused = field_errors(lambda: services.update_relation_type(row, {"subject_types": ["person", "robot"]}))
    assert refused["subject_types"] == ["The project has no entity type “robot”."]


def test_a_proposed_relation_can_be_made_by_hand(owner: User, home: Project) -> None:
    save(owner, home, CREW)
    row = services.create_relation_type(home, {"name": "mentor", "label": "is mentor of"})
    assert (row.origin, row.state, row.shown) == ("manual", "accepted", "is mentor of")


# --- deleting


def test_a_type_in_use_stays(owner: User, home: Project) -> None:
    row = services.create_entity_type(home, {"name": "vessel", "words": ["Sea Cloud"]})
    relation = services.create_relation_type(
        home, {"name": "sails", "phrases": ["sail on"], "object_types": ["vessel"]}
    )
    memory = save(owner, home, "Anna sailed on the Sea Cloud.")
    assert ("Anna", "sails", "Sea Cloud") in facts(home)
    with pytest.raises(services.TypeInUse, match="1 entities are of the type vessel"):
        services.delete_entity_type(row)
    with pytest.raises(services.TypeInUse, match="1 facts have the relation sails"):
        services.delete_relation_type(relation)
    services.update_entity_type(row, {"enabled": False})
    reread(memory)
    with pytest.raises(services.TypeInUse, match="limited to vessel"):
        services.delete_entity_type(row)
    services.delete_relation_type(relation)
    services.delete_entity_type(row)
    assert not TypeWords.objects.exists()


def test_built_in_types_stay(home: Project) -> None:
    with pytest.raises(services.TypeInUse, match="built in"):
        services.delete_entity_type(home.entity_types.get(name="event"))
    with pytest.raises(services.TypeInUse, match="built in"):
        services.delete_relation_type(home.relation_types.get(name="won"))
    with pytest.raises(services.TypeInUse, match="not proposed"):
        services.reject(home.relation_types.get(name="won"))


def test_hints_are_built_in() -> None:
    assert set(RELATIONS) >= HINTS
