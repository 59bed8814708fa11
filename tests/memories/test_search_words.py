"""The full-text index: kept by triggers, made and unmade by its migration, asked without ever raising."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase, TransactionTestCase

from memories.models import Project, SearchDocument
from memories.search import fulltext, words
from tests.memories import rows


class Questions(TestCase):
    """Whatever is asked."""

    @settings(max_examples=60, deadline=None)
    @given(st.text())
    def test_any_text_is_a_question(self, question: str) -> None:
        project = Project.objects.create(name="x")
        words.candidates(project.pk, "passage", question, 10)

    def test_stop_words_count_only_when_there_are_no_others(self) -> None:
        assert words.terms("Where does the Ada live?").words == ("ada", "live")
        assert words.terms("who are you").words == ("who", "are", "you")

    def test_a_long_question_is_cut(self) -> None:
        found = words.terms(" ".join(f"word{number}" for number in range(10_000)) + "漢" * 1000)
        assert len(found.words) == words.MAX_WORDS
        assert len(found.pairs) <= words.MAX_PAIRS

    def test_rare_words_weigh_more(self) -> None:
        scores = words.bm25([(1, "ada", 1, 10), (2, "live", 1, 10), (3, "live", 2, 10), (4, "live", 1, 20)], 100)
        assert scores[1] > scores[2] > scores[4] > 0
        assert scores[3] > scores[2]
        assert words.bm25([], 0) == {}


class Documents(TestCase):
    """The index follows the rows."""

    def setUp(self) -> None:
        self.project = Project.objects.create(name="x")
        self.document = rows_of(self.project, "Turin")

    def found(self, question: str) -> list[int]:
        return [document for document, _ in words.candidates(self.project.pk, "entity", question, 10)]

    def test_inserted_changed_deleted(self) -> None:
        assert self.found("turin") == [self.document.pk]
        SearchDocument.objects.filter(pk=self.document.pk).update(text="Rome")
        assert self.found("turin") == []
        assert self.found("rome") == [self.document.pk]
        SearchDocument.objects.filter(pk=self.document.pk).update(embedding=b"x")
        assert self.found("rome") == [self.document.pk]
        self.document.delete()
        assert self.found("rome") == []

    def test_other_projects_and_kinds_are_not_looked_at(self) -> None:
        other = Project.objects.create(name="y")
        rows_of(other, "Turin")
        assert self.found("turin") == [self.document.pk]
        assert words.candidates(self.project.pk, "passage", "turin", 10) == []

    def test_dropped_triggers_are_put_back(self) -> None:
        assert not fulltext.ensure(connection)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER {fulltext.TABLE}_insert")
        late = rows_of(self.project, "Lyon")
        assert self.found("lyon") == []
        fulltext.after_migrate(using="default")
        assert self.found("lyon") == [late.pk]


class Migrating(TransactionTestCase):
    def test_the_index_goes_and_comes_back_with_what_is_there(self) -> None:
        project = Project.objects.create(name="x")
        call_command("migrate", "memories", "0002_links_and_constraints", verbosity=0)
        with connection.cursor() as cursor:
            assert fulltext.TABLE not in connection.introspection.table_names(cursor)
        assert not fulltext.ensure(connection)
        call_command("migrate", verbosity=0)
        document = rows_of(project, "Turin")
        found = words.candidates(project.pk, "entity", "turin", 10)
        assert [pk for pk, _ in found] == [document.pk]


class OtherProjects(TestCase):
    """What others save is nobody else's business, in the weights of the words too."""

    def test_a_word_that_others_use_a_lot_weighs_what_it_weighs_here(self) -> None:
        project, other = Project.objects.create(name="x"), Project.objects.create(name="y")
        for name in ("chess", "river", "oak", "stone", "cloud"):
            rows_of(project, name)
        before = dict(words.candidates(project.pk, "entity", "chess river", 10))
        for number in range(60):
            rows_of(other, f"chess {number}")
        after = dict(words.candidates(project.pk, "entity", "chess river", 10))
        assert after.keys() == before.keys()
        chess, river = sorted(after)
        assert after[chess] / after[river] == pytest.approx(before[chess] / before[river], rel=0.2)


def rows_of(project: Project, name: str) -> SearchDocument:
    return SearchDocument.objects.get(entity=rows.entity(project, name))
