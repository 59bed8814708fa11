"""The pages that add addresses and files, and a document as its reader sees it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from memories import queries, services
from memories.models import Memory, Passage, Project, SavedDocument
from memories.views.article import read_article
from tasks_app.models import TaskLog
from tests.memories import rows

pytestmark = pytest.mark.django_db
PAGE = "https://example.org/articles/1"
CONTENT = (
    "The engine\n\nAda Lovelace wrote it.\n\n1. First\n2. Second\n- inner\n\n"
    "Name | Born\nAda | 1815\n\nif x < 1:\n    <b>stop</b>\n\nSaid <script>alert(1)</script> he."
)
KINDS = [
    ("heading", "The engine", 3),
    ("paragraph", "Ada Lovelace wrote it.", 0),
    ("list_item", "First", 1),
    ("list_item", "Second", 1),
    ("list_item", "inner", 2),
    ("table_row", "Name | Born", 0),
    ("table_row", "Ada | 1815", 0),
    ("code", "if x < 1:\n    <b>stop</b>", 0),
    ("quote", "Said <script>alert(1)</script> he.", 0),
]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, settings: Any) -> None:
    settings.MEMSTACK_DATA_DIR = tmp_path / "var"


@pytest.fixture
def page(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def article(alice: User, project: Project) -> Memory:
    """An article that has been read, with a mention of Ada Lovelace."""
    memory = services.save_article(alice, project, PAGE)
    Memory.objects.filter(pk=memory.pk).update(
        content=CONTENT, title="The engine", generation=1, summary="Ada wrote it."
    )
    Passage.objects.create(memory=memory, generation=1, position=0, text=CONTENT, start=0, end=len(CONTENT))
    place, blocks = 0, []
    for kind, text, level in KINDS:
        place = CONTENT.index(text, place)
        blocks.append({"kind": kind, "start": place, "end": place + len(text), "level": level})
        place += len(text)
    SavedDocument.objects.filter(pk=memory.pk).update(
        media_type="text/html",
        site="Example News",
        author="Maria <Costa>",
        language="en",
        reading_minutes=3,
        blocks=blocks,
        sections=[{"start": 12, "end": 40, "page": 2, "seconds": None, "until": None}],
        summary=[{"text": "Ada Lovelace wrote it.", "start": 12, "end": 34}],
        key_phrases=["analytical engine"],
        notes=["One table was left out."],
    )
    memory.refresh_from_db()
    rows.mention(rows.entity(project, "Ada Lovelace"), memory)
    return memory


def reader(memory: Memory) -> Any:
    detail = queries.memory_detail(memory)
    assert detail.document is not None
    return read_article(memory, detail.document, detail)


def text_of(pieces: Any) -> str:
    return "".join(piece.text for piece in pieces)


# --- reading


def test_the_parts_of_a_document(article: Memory) -> None:
    parts = reader(article).parts
    assert [part.kind for part in parts] == ["heading", "paragraph", "list_item", "table_row", "code", "quote"]
    heading, paragraph, listed, table, code, _ = parts
    assert (heading.level, paragraph.page) == (2, 2)
    assert [(text_of(item.pieces), item.number) for item in listed.items] == [("First", 1), ("Second", 2)]
    assert listed.items[1].inner is not None
    assert [text_of(item.pieces) for item in listed.items[1].inner.items] == ["inner"]
    assert [[text_of(cell) for cell in row] for row in table.rows] == [["Name", "Born"], ["Ada", "1815"]]
    assert text_of(code.pieces) == "if x < 1:\n    <b>stop</b>"


def test_a_document_is_drawn_with_its_mentions_and_no_markup_of_its_own(page: Client, article: Memory) -> None:
    html = page.get(reverse("memory", args=[article.project_id, article.pk])).content.decode()
    assert "<script>alert" not in html
    assert "<b>stop" not in html
    assert "Maria &lt;Costa&gt;" in html
    assert re.search(r'<a class="mention name t-person"[^>]*>Ada Lovelace</a>', html)
    assert re.search(r'<h2 class="block"><span class="words">The engine', html)
    assert re.search(r'<li value="2">.*Second.*<ul><li>.*inner', html)
    assert "Page 2" in html
    for words in ("Example News", "3 min to read", "English", "One table was left out.", "analytical engine"):
        assert words in html
    assert 'href="?start=12&amp;end=34#hit"' in html
    assert f'href="{PAGE}"' in html


def test_a_sentence_of_the_summary_is_shown_in_the_text(page: Client, article: Memory) -> None:
    html = page.get(reverse("memory", args=[article.project_id, article.pk]) + "?start=12&end=34").content.decode()
    assert html.count('id="hit"') == 1


def test_a_long_document_has_several_pages(article: Memory) -> None:
    words = "Some words of a long text, said again. " * 25
    content = "\n\n".join([words.strip()] * 100)
    size = len(words.strip())
    blocks = [
        {"kind": "paragraph", "start": n * (size + 2), "end": n * (size + 2) + size, "level": 0} for n in range(100)
    ]
    Memory.objects.filter(pk=article.pk).update(content=content)
    SavedDocument.objects.filter(pk=article.pk).update(blocks=blocks, sections=[])
    article.refresh_from_db()
    detail = queries.memory_detail(article)
    assert detail.document is not None
    seen, at = 0, 0
    while True:
        reading = read_article(article, detail.document, detail, at)
        seen += len(reading.parts)
        if reading.next is None:
            break
        at = reading.next
    assert seen == 100


def test_a_recording_tells_its_times(page: Client, article: Memory) -> None:
    SavedDocument.objects.filter(pk=article.pk).update(
        media_type="audio/mpeg",
        duration_seconds=125.0,
        blocks=[{"kind": "paragraph", "start": 12, "end": 34, "level": 0}],
        sections=[{"start": 12, "end": 34, "page": None, "seconds": 65.4, "until": 70.0}],
    )
    html = page.get(reverse("memory", args=[article.project_id, article.pk])).content.decode()
    assert "2:05" in html
    assert "1:05" in html
    assert 'data-seconds="65.40"' in html


def test_what_was_not_read_yet_has_a_page(page: Client, alice: User, project: Project) -> None:
    memory = services.save_article(alice, project, PAGE)
    answer = page.get(reverse("memory", args=[project.pk, memory.pk]))
    assert answer.status_code == 200
    assert "There is no text yet." in answer.content.decode()


def test_the_list_tells_what_a_memory_is(page: Client, article: Memory, django_assert_max_num_queries: Any) -> None:
    address = reverse("memories", args=[article.project_id])
    html = page.get(address).content.decode()
    assert "Web page, Example News" in html
    with django_assert_max_num_queries(14):
        page.get(address)


# --- adding


def addresses(project: Project) -> str:
    return reverse("memory-addresses", args=[project.pk])


def test_one_address_leads_to_its_memory(page: Client, project: Project) -> None:
    answer = page.post(addresses(project), {"addresses": f"  {PAGE}\n\n", "tags": "a, b"})
    memory = Memory.objects.get()
    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("memory", args=[project.pk, memory.pk])
    assert [tag.name for tag in memory.memory_tags.all()] == ["a", "b"]


def test_each_address_is_taken_or_refused_on_its_own(page: Client, project: Project) -> None:
    answer = page.post(addresses(project), {"addresses": f"{PAGE}\nnothing\n{PAGE}2\nftp://x.org/y"})
    assert answer.status_code == 200
    assert Memory.objects.count() == 2
    html = answer.content.decode()
    assert html.count("<task-row") == 2
    assert html.count('class="refusal"') == 2
    assert re.search(r"<textarea[^>]*>\s*nothing\r?\nftp://x.org/y</textarea>", html), "what was refused can be mended"


def test_what_is_there_already_is_said_to_be(page: Client, project: Project) -> None:
    page.post(addresses(project), {"addresses": PAGE})
    html = page.post(addresses(project), {"addresses": f"{PAGE}\n{PAGE}2"}).content.decode()
    assert html.count("The project has it already.") == 1


def test_the_form_is_filled_in_from_the_address_and_not_sent(page: Client, project: Project) -> None:
    answer = page.get(addresses(project) + '?url=https://example.org/"><script>')
    assert b"<script>\n" not in answer.content
    assert b"https://example.org/&quot;&gt;&lt;script&gt;" in answer.content
    assert b"javascript:void(location.href=" in answer.content
    assert not Memory.objects.exists()


@pytest.mark.parametrize("text", ["", "  \n ", "\n".join(f"{PAGE}/{n}" for n in range(201))])
def test_none_or_too_many_addresses(page: Client, project: Project, text: str) -> None:
    assert page.post(addresses(project), {"addresses": text}).status_code == 400
    assert not Memory.objects.exists()


def test_files_are_taken_one_by_one(page: Client, project: Project) -> None:
    files = [
        SimpleUploadedFile("one.txt", b"Ada met Charles."),
        SimpleUploadedFile("photo.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 60),
        SimpleUploadedFile("two.txt", b"Charles met Ada."),
    ]
    answer = page.post(reverse("memory-files", args=[project.pk]), {"file": files, "tags": "x"})
    assert answer.status_code == 200
    assert sorted(memory.title for memory in Memory.objects.all()) == ["one.txt", "two.txt"]
    assert answer.content.decode().count('class="refusal"') == 2, "that of photo.png, and that of the script's own rows"


def test_a_form_without_a_file(page: Client, project: Project) -> None:
    answer = page.post(reverse("memory-files", args=[project.pk]), {"tags": ""})
    assert answer.status_code == 400
    assert b"No file came along" in answer.content


def test_viewers_add_nothing(client: Client, bob: User, project: Project) -> None:
    client.force_login(bob)
    for name in ("memory-addresses", "memory-files"):
        assert client.get(reverse(name, args=[project.pk])).status_code == 403
        assert client.post(reverse(name, args=[project.pk]), {"addresses": PAGE}).status_code == 403
    assert not TaskLog.objects.exists()
