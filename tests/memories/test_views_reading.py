"""Spans: cutting, marking and escaping texts, counted in code points."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from memories import queries
from memories.engine.relations import HINT
from memories.models import Fact, Memory, Passage, Project
from memories.search import SearchAnswer, SearchResult
from memories.templatetags.pages import excerpt, highlight, marked, result_words, seconds, share, why_words
from memories.views import reading, search
from memories.views.spans import Span, segments
from tests.pages import rows

SPANS = st.lists(st.tuples(st.integers(-3, 25), st.integers(-3, 25)), max_size=8)


@given(text=st.text(max_size=20), spans=SPANS)
def test_segments_cover_the_text_once_and_in_order(text: str, spans: list[tuple[int, int]]) -> None:
    cuts = list(segments(0, len(text), [Span(start, end, index) for index, (start, end) in enumerate(spans)]))
    assert "".join(text[cut.start : cut.end] for cut in cuts) == text
    for cut in cuts:
        for place in range(cut.start, cut.end):
            assert set(cut.marks) == {i for i, (start, end) in enumerate(spans) if start <= place < end}


@pytest.mark.parametrize(
    ("text", "spans", "html"),
    [
        ("Ada in Lisbon", [(0, 3)], "<mark>Ada</mark> in Lisbon"),
        ("😀 Ada 👩‍🚀", [(2, 5)], "😀 <mark>Ada</mark> 👩‍🚀"),
        ("<b> & x", [(0, 3)], "<mark>&lt;b&gt;</mark> &amp; x"),
        ("<script>", [(1, 7)], "&lt;<mark>script</mark>&gt;"),
        ("abcdef", [(0, 3), (2, 5)], "<mark>ab</mark><mark>c</mark><mark>de</mark>f"),
        ("abc", [(-5, 99)], "<mark>abc</mark>"),
        ("abc", [(2, 1), (3, 3)], "abc"),
        ("", [(0, 1)], ""),
    ],
)
def test_highlight(text: str, spans: list[tuple[int, int]], html: str) -> None:
    assert highlight(text, spans) == html


@pytest.mark.django_db
def test_mentions_and_facts_are_marked_at_their_place(project: Project) -> None:
    memory, ada, fact = rows.read_memory(project)
    found = reading.read(memory, queries.memory_detail(memory))
    html = marked(found.blocks[0].pieces, project)
    assert f'data-entity="{ada.pk}"' in html
    assert html.count(f'data-facts="{fact.pk}"') == 4  # Ada, moved to, Lisbon, the full stop
    assert 'id="s2"' in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "".join(piece.text for piece in found.blocks[0].pieces) == memory.content


@pytest.mark.django_db
def test_overlapping_mentions_keep_the_text_whole(project: Project) -> None:
    memory = rows.memory(project, "New York Times building")
    rows.mention(memory, rows.entity(project, "New York", "location"))
    rows.mention(memory, rows.entity(project, "York Times", "organization"))
    found = reading.read(memory, queries.memory_detail(memory))
    pieces = found.blocks[0].pieces
    assert [piece.text for piece in pieces] == ["New ", "York", " Times", " building"]
    assert [piece.entity and piece.entity.name for piece in pieces] == ["New York", "New York", "York Times", None]


@pytest.mark.django_db
def test_a_span_to_show_is_marked_once_as_the_hit(project: Project) -> None:
    memory, _, _ = rows.read_memory(project)
    found = reading.read(memory, queries.memory_detail(memory), 2, (2, 14))
    assert [piece.anchor for piece in found.blocks[0].pieces].count("hit") == 1
    assert "".join(piece.text for piece in found.blocks[0].pieces if piece.hit) == "Ada moved to"


@pytest.mark.django_db
def test_the_speaker_of_a_message_stands_above_it(project: Project) -> None:
    memory = rows.memory(project, "Ada: Hi.\nBob: Yes.", content_type="conversation")
    memory.passages.all().delete()
    for position, (start, speaker) in enumerate([(5, "Ada"), (14, "Bob")]):
        text = memory.content[start:].splitlines()[0]
        Passage.objects.create(
            memory=memory, generation=1, position=position, text=text, start=start, end=start + len(text),
            speaker=speaker,
        )  # fmt: skip
    blocks = reading.read(memory, queries.memory_detail(memory)).blocks
    assert [block.speaker[0].text for block in blocks] == ["Ada", "Bob"]
    assert [block.pieces[0].text for block in blocks] == ["Hi.", "Yes."]


@pytest.mark.django_db
def test_a_text_that_has_changed_stands_without_marks(project: Project) -> None:
    memory, _, _ = rows.read_memory(project)
    rows.stale(memory)
    memory.refresh_from_db()
    found = reading.read(memory, queries.memory_detail(memory))
    assert not found.in_step
    assert [piece.text for piece in found.blocks[0].pieces] == ["Another text altogether."]


@pytest.mark.django_db
def test_a_long_text_is_shown_in_parts(project: Project) -> None:
    memory = rows.memory(project, "x" * (reading.WINDOW * 2 + 10))
    memory.passages.all().delete()
    size = reading.WINDOW // 2
    for position, start in enumerate(range(0, len(memory.content), size)):
        part = memory.content[start : start + size]
        Passage.objects.create(
            memory=memory, generation=1, position=position, text=part, start=start, end=start + len(part)
        )
    detail = queries.memory_detail(memory)
    first = reading.read(memory, detail)
    assert (first.previous, first.next) == (None, reading.WINDOW)
    second = reading.read(memory, detail, reading.WINDOW + 1)
    assert (second.previous, second.next) == (0, reading.WINDOW * 2)
    assert reading.read(memory, detail, 10**9).next is None


@pytest.mark.django_db
def test_a_memory_without_passages_shows_its_text_in_parts(project: Project) -> None:
    memory = Memory.objects.create(project=project, content="y" * (reading.WINDOW + 5), reference_time=rows.WHEN)
    detail = queries.memory_detail(memory)
    assert reading.read(memory, detail).next == reading.WINDOW
    last = reading.read(memory, detail, reading.WINDOW)
    assert (last.previous, last.next, last.blocks[0].pieces[0].text) == (0, None, "yyyyy")


@pytest.mark.django_db
def test_an_excerpt_marks_the_mention(project: Project) -> None:
    _, ada, _ = rows.read_memory(project)
    found = ada.mentions.select_related("passage").get()
    assert excerpt(found).startswith("😀 <mark>Ada</mark> moved to Lisbon. &lt;script&gt;")


@pytest.mark.django_db
def test_the_search_page(project: Project, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, ada, _ = rows.read_memory(project)
    result = SearchResult(
        kind="passage", id=memory.passages.get().pk, score=1.0, text=memory.content, highlight=[(2, 5)],
        memory_id=memory.pk, start=0, end=22, speaker="Ada", why={"words": 0.81, "vector": 0.4},
    )  # fmt: skip
    entity = SearchResult(kind="entity", id=ada.pk, score=0.5, text="Ada", highlight=[])
    asked = []

    def answer(of: Project, form: object) -> SearchAnswer:
        asked.append(form)
        return SearchAnswer([result, entity], 3.2)

    monkeypatch.setattr(search, "_ask", answer)
    client = Client()
    client.force_login(alice)
    path = f"/project/{project.pk}/search"
    page = client.get(path, {"q": "Ada", "kind": ["passage", "entity"], "as_of": "2024-05-31"}).content.decode()
    assert "<mark>Ada</mark> moved" in page
    assert f"memories/{memory.pk}?start=0&amp;end=22#hit" in page
    assert f"entities/{ada.pk}" in page
    assert "words 0.81 · meaning 0.40" in page
    assert "as of 31 May 2024" in page
    assert client.get(path, {"q": "Ada", "as_of": "soon"}).status_code == 400
    assert client.get(path, {"q": ""}).status_code == 200
    assert len(asked) == 1


def test_words() -> None:
    assert result_words({"communities_count": 4, "edges_count": 1}) == "4 communities, 1 edge"
    assert result_words({"communities_count": 1, "text": "no"}) == "1 community"
    assert result_words(None) == ""
    assert [seconds(value) for value in (None, 0.04, 1.24, 45.4, 600, 7200)] == [
        "",
        "40 ms",
        "1.2 s",
        "45 s",
        "10 min",
        "2.0 h",
    ]
    assert [share(part, whole) for part, whole in ((1.0, 4.0), (None, 4.0), (0, 0))] == ["25.0%", "0.5%", "0.5%"]
    assert why_words({"words": 0.0, "names": ["Ada"], "distance": 2}) == "names Ada · distance 2"


def test_names_that_only_stand_together_come_after_what_is_said_of_them(project: Project) -> None:
    memory, ada, weak = rows.read_memory(project)
    Fact.objects.filter(pk=weak.pk).update(confidence=HINT)
    sure = rows.fact(memory, ada, rows.entity(project, "Turin", "location"), "Ada moved to Lisbon.", confidence=0.9)
    assert list(queries.facts_of(memory)) == [weak, sure]
    assert reading.read(memory, queries.memory_detail(memory)).facts == [sure, weak]
