"""Search over a small graph: what is found, what must not be, and what no question may do."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memories import services
from memories.models import Memory, Passage, Project
from memories.search import Filters, SearchQuery, search
from tests.memories import rows

pytestmark = pytest.mark.django_db

NASTY = [
    '"', "'", "*", "^", ":", "(", ")", "NEAR(", "AND OR NOT", 'a"b', "text:x", "-", "--; DROP TABLE", "\x00", "a\x00b",
    "\ud800", "🐙🐙", "the of and", "  ", "x" * 10_000, "word " * 2_000, "%_%", "漢字", "ไทย", "²³", "a & b | !c",
    "{x}", "مرحبا", "e\u0301", "_", "col : \"x", "O'Brien's", "\\", "NULL", "İstanbul", "ß",
]  # fmt: skip


def ask(project: Project, text: str, **options: Any) -> list[Any]:
    return search(project, SearchQuery(query=text, **options)).results


@pytest.fixture
def talk(project: Project) -> Memory:
    return rows.memory(
        project,
        "Ada: I moved to Turin last week.",
        "Charles: How do you like the mountains?",
        "Ada: I love them, and I bought a sailing boat.",
        content_type="conversation",
    )


@pytest.mark.parametrize("text", NASTY)
def test_no_question_raises(project: Project, talk: Memory, text: str) -> None:
    for kinds in (("passage",), ("passage", "fact", "entity", "community")):
        ask(project, text, kinds=kinds)


def test_the_answer_comes_first_and_says_where_it_stands(project: Project, talk: Memory) -> None:
    first = ask(project, "Where did Ada move?", kinds=["passage"])[0]
    assert first.text == "I moved to Turin last week."
    assert talk.content[first.start : first.end] == first.text
    assert (first.memory_id, first.message_id, first.speaker) == (talk.pk, "m0", "Ada")
    assert [first.text[start:end] for start, end in first.highlight] == ["moved"]
    assert first.why["words"] > 0
    assert first.why["vector"] > 0


def test_words_are_stemmed_and_diacritics_do_not_matter(project: Project) -> None:
    rows.memory(project, "Zoë goes hiking in the Pyrénées.")
    assert ask(project, "hikes Pyrenees", kinds=["passage"])[0].why["words"] == 1


def test_scripts_without_spaces_are_found_by_their_letters(project: Project, talk: Memory) -> None:
    rows.memory(project, "我上个星期搬到了都灵。")
    assert ask(project, "搬到哪里", kinds=["passage"])[0].text.startswith("我上个")


def test_another_project_is_not_searched(project: Project, talk: Memory, charlie: User) -> None:
    other = services.create_project(charlie, name="Other")
    assert ask(other, "Turin mountains boat") == []
    rows.memory(other, "Turin has mountains.")
    assert {result.memory_id for result in ask(project, "Turin mountains", kinds=["passage"])} == {talk.pk}


def test_unpublished_and_replaced_passages_are_not_found(project: Project, talk: Memory) -> None:
    rows.memory(project, "Turin in a draft.", published=False)
    rows.add_passages(talk, ["Ada: Now I live in Lyon."], generation=2)
    assert "Now I live in Lyon." not in [result.text for result in ask(project, "Lyon Turin", kinds=["passage"])]
    Memory.objects.filter(pk=talk.pk).update(generation=2)
    rows.changed(project)
    assert [result.text for result in ask(project, "Lyon Turin draft", kinds=["passage"])] == ["Now I live in Lyon."]


def test_what_was_deleted_is_gone_at_once(project: Project, talk: Memory) -> None:
    assert ask(project, "sailing boat", kinds=["passage"])
    Passage.objects.filter(text__contains="sailing").delete()  # the version still tells of the old index
    assert not any("sailing" in result.text for result in ask(project, "sailing boat", kinds=["passage"]))


def test_facts_hold_now_or_at_the_asked_time(project: Project, talk: Memory) -> None:
    ada = rows.entity(project, "Ada")
    rome, turin = (rows.entity(project, name, type="location") for name in ("Rome", "Turin"))
    old = rows.fact(ada, "lives_in", rome, talk, valid_at=rows.moment(2020), invalid_at=rows.moment(2024, 5, 24))
    new = rows.fact(ada, "lives_in", turin, talk, valid_at=rows.moment(2024, 5, 24))
    gone = rows.fact(ada, "lives_in", "Mars", talk, expired_at=rows.moment(2024))

    def found(**options: Any) -> set[Any]:
        return {result.id for result in ask(project, "Where does Ada live", kinds=["fact"], **options)}

    assert found() == {new.pk}
    assert found(as_of=rows.moment(2021)) == {old.pk}
    assert found(as_of=rows.moment(2024, 5, 24)) == {new.pk}
    assert found(as_of=rows.moment(2019)) == set()
    assert found(known_at=rows.moment(2000)) == set()
    assert gone.pk not in found(as_of=rows.moment(2022))


def test_a_fact_says_its_memory_and_place(project: Project, talk: Memory) -> None:
    ada, turin = rows.entity(project, "Ada"), rows.entity(project, "Turin", type="location")
    rows.fact(ada, "lives_in", turin, talk)
    result = ask(project, "Turin", kinds=["fact"])[0]
    assert (result.memory_id, result.message_id) == (talk.pk, "m0")
    assert talk.content[result.start : result.end] == result.text
    assert result.why["fact"] == ["Ada", "lives_in", "Turin"]
    assert result.why["vector"] > 0, "a fact has the vector of its passage"


def test_entities_and_communities_are_found_by_name(project: Project, talk: Memory) -> None:
    ada = rows.entity(project, "Ada Lovelace", "the Countess")
    group = rows.community(project, "Ada Lovelace and engines", ada)
    assert ask(project, "countess", kinds=["entity"])[0].id == ada.pk
    assert ask(project, "engines", kinds=["community"])[0].id == group.pk
    kinds = {result.kind for result in ask(project, "Ada Lovelace")}
    assert kinds == {"entity", "community", "passage"}


def test_communities_of_an_older_generation_are_not_found(project: Project) -> None:
    rows.community(project, "engines", generation=1)
    new = rows.community(project, "engines", generation=2)
    assert [result.id for result in ask(project, "engines", kinds=["community"])] == [new.pk]


def test_filters(project: Project, talk: Memory) -> None:
    other = rows.memory(project, "Turin is in Italy.", tags=["geography"], reference_time=rows.moment(2020))
    ada, turin = rows.entity(project, "Ada"), rows.entity(project, "Turin", type="location")
    rows.mention(ada, talk)
    rows.mention(turin, other)
    group = rows.community(project, "people", ada)

    def found(**filters: Any) -> set[str]:
        results = ask(project, "Turin", kinds=["passage", "entity"], filters=Filters(**filters))
        return {result.text for result in results}

    assert found(tags=["geography", "unused"]) == {"Turin is in Italy.", "Turin"}
    assert found(types=["location"]) == {"Turin is in Italy.", "Turin"}
    assert found(until=rows.moment(2021)) == {"Turin is in Italy.", "Turin"}
    assert "Turin is in Italy." not in found(since=rows.moment(2021))
    assert found(speaker="charles") == {"How do you like the mountains?"}
    assert found(community=group.pk) == {"I moved to Turin last week."}
    assert found(tags=["unused"]) == set()


def test_the_centre_comes_first(project: Project) -> None:
    first, second = (rows.memory(project, f"{name} plays chess on Sundays.") for name in ("Ada", "Charles"))
    ada, charles = rows.entity(project, "Ada"), rows.entity(project, "Charles")
    rows.mention(ada, first)
    rows.mention(charles, second)
    for entity in (ada, charles):
        result = ask(project, "Who plays chess?", kinds=["passage"], center_entity=entity.pk)[0]
        assert result.text.startswith(entity.name)
        assert result.why["center_entity"]


def test_mmr_does_not_repeat_itself(project: Project) -> None:
    for _ in range(3):
        rows.memory(project, "Ada likes hiking in the mountains.")
    rows.memory(project, "Hiking is what Charles does on Sundays.")
    rows.memory(project, "The cellar is cold.")
    plain, different = (
        {result.text for result in ask(project, "Ada, hiking", kinds=["passage"], rerank=rerank, limit=2)}
        for rerank in ("none", "mmr")
    )
    assert len(plain) == 1
    assert len(different) == 2


def test_limit_and_order(project: Project, talk: Memory) -> None:
    results = ask(project, "Ada Turin boat mountains", limit=2)
    assert len(results) == 2
    assert results[0].score >= results[1].score


def test_queries_do_not_grow_with_the_results(project: Project) -> None:
    for number in range(30):
        row = rows.memory(project, f"Ada: chess number {number}")
        rows.fact(rows.entity(project, f"Ada {number}"), "plays", "chess", row)
    ask(project, "chess", limit=30)
    for kind in ("passage", "fact"):
        counts = []
        for limit in (3, 30):
            with CaptureQueriesContext(connection) as queries:
                ask(project, "chess", limit=limit, kinds=[kind])
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 9
