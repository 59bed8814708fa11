"""Addresses that other programs export: what is read of each kind, and what becomes of them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from memories import feeds, services
from memories.importing import opml, sources
from memories.importing.refusals import ImportRefused
from memories.importing.sources import Found
from memories.models import Feed, Import, Memory, Project, SavedDocument, SourceKey
from memories.pipelines import import_memories
from memories.validation import NewMemory
from tasks_app import runner, transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog

pytestmark = pytest.mark.django_db(transaction=True)  # a heartbeat looks at its task on a connection of its own
BROWSER = """<!DOCTYPE NETSCAPE-Bookmark-file-1>
<!-- This is an automatically generated file. -->
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8">
<TITLE>Bookmarks</TITLE>
<H1>Bookmarks Menu</H1>
<DL><p>
    <DT><H3 ADD_DATE="1" PERSONAL_TOOLBAR_FOLDER="true">Toolbar</H3>
    <DL><p>
        <DT><A HREF="https://a.example/?x=1&amp;y=2" ADD_DATE="1700000000" ICON="data:,">A &amp; B, ü</A>
        <DD>A description
        <DT><H3>Recipes</H3>
        <DL><p>
            <DT><A HREF="https://b.example/bread">Bread</A>
        </DL><p>
        <DT><A HREF="https://c.example/">C</A>
        <DT><A HREF="javascript:alert(1)">A bookmarklet</A>
        <DT><A HREF="place:sort=8">Most visited</A>
    </DL><p>
</DL>
"""
LINKDING = """<!DOCTYPE NETSCAPE-Bookmark-file-1>
<TITLE>Bookmarks</TITLE><H1>Bookmarks</H1><DL><p>
<DT><A HREF="https://l.example/1" ADD_DATE="1700000000" PRIVATE="1" TOREAD="0" TAGS="web,open source">One</A>
<DT><A HREF="https://l.example/2" ADD_DATE="1700000000" TAGS=""></A>
</DL><p>"""
POCKET = """<!DOCTYPE html><html><head><title>Pocket Export</title></head><body><h1>Unread</h1><ul>
<li><a href="https://p.example/1" time_added="1500000000" tags="a,b">One</a></li>
</ul><h1>Read Archive</h1><ul><li><a href="https://p.example/2" time_added="1500000001" tags="">Two</a></li></ul>"""
POCKET_CSV = """title,url,time_added,tags,status
"One, and more",https://p.example/1,1500000000,a|b c,unread
https://p.example/2,https://p.example/2,1500000001,,archive
Nothing,,1500000001,,archive
"""
KARAKEEP = json.dumps(
    {
        "bookmarks": [
            {
                "createdAt": 1700000000,
                "title": None,
                "tags": ["x", "y z"],
                "content": {"type": "link", "url": "https://k.example/1", "title": "One"},
                "note": None,
            },
            {
                "createdAt": 1700000000,
                "title": "A note",
                "tags": [],
                "content": {"type": "text", "text": "Ada met Charles."},
            },
            {"createdAt": 1, "title": "A scan", "tags": [], "content": None},
            "nonsense",
        ]
    }
)
OPML = """<?xml version="1.0" encoding="UTF-8"?>
<!-- made by a reader -->
<opml version="2.0"><head><title>Subscriptions</title></head><body>
<outline text="Blogs" title="Blogs">
  <outline type="rss" text="A &amp; B" title="A &amp; B" xmlUrl="https://a.example/feed?x=1&amp;y=2" htmlUrl="https://a.example/"/>
  <outline type="rss" text="C" XMLURL="https://c.example/rss">
</outline>
<outline text="bad" xmlUrl="feed://x.example/"/>
<outline text="A again" xmlUrl="https://a.example/feed?x=1&amp;y=2#top"/>
</body></opml>"""


def read(name: str, text: str | bytes) -> list[Found]:
    return list(sources.read_all([(name, io.BytesIO(text if isinstance(text, bytes) else text.encode()))]))


def told(found: list[Found]) -> list[Any]:
    return [one.value.source_url if isinstance(one.value, NewMemory) else one.value or one.error for one in found]


class TestReading:
    def test_a_browser(self) -> None:
        found = read("bookmarks.html", BROWSER)
        assert told(found) == [
            "https://a.example/?x=1&y=2",
            "https://b.example/bread",
            "https://c.example/",
            "This is no address of a web page.",
            "This is no address of a web page.",
        ]
        first, bread, last = (one.value for one in found[:3])
        assert (first.title, first.tags) == ("A & B, ü", [])
        assert first.reference_time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
        assert (bread.title, bread.tags, last.tags) == ("Bread", ["Recipes"], [])
        assert [one.line for one in found] == [9, 13, 15, 16, 17]

    def test_linkding(self) -> None:
        one, two = (found.value for found in read("bookmarks.html", LINKDING))
        assert one.tags == ["web", "open source"]
        assert (two.title, two.tags) == ("l.example/2", [])

    @pytest.mark.parametrize(("name", "text"), [("ril_export.html", POCKET), ("part_000000.csv", POCKET_CSV)])
    def test_pocket(self, name: str, text: str) -> None:
        found = read(name, text)
        assert told(found)[:2] == ["https://p.example/1", "https://p.example/2"]
        assert found[0].value.tags in (["a", "b"], ["a", "b c"])
        assert found[0].value.reference_time == datetime(2017, 7, 14, 2, 40, tzinfo=UTC)
        assert found[0].value.title in ("One", "One, and more")

    def test_karakeep(self) -> None:
        for text in (KARAKEEP, json.dumps(json.loads(KARAKEEP), indent=2)):
            link, note, scan, nonsense = read("karakeep.json", text)
            assert (link.value.source_url, link.value.title, link.value.tags) == (
                "https://k.example/1",
                "One",
                ["x", "y z"],
            )
            assert note.value["content"] == "Ada met Charles."
            assert scan.error == nonsense.error != ""

    def test_in_an_archive(self) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a/part_0.csv", POCKET_CSV)
            archive.writestr("b/feeds.opml", OPML)
        found = read("pocket.zip", packed.getvalue())
        assert found[0].file == "a/part_0.csv"
        assert "by itself" in found[-1].error

    @pytest.mark.parametrize(
        ("name", "text", "reason"),
        [
            ("page.html", "<html><p>A page</p></html>", "no list of bookmarks"),
            ("table.csv", "name,place\nAda,London\n", "no column"),
            ("empty.csv", "", "no column"),
            ("nul.csv", "url\nhttps://e.org/\0\n", "NUL"),
            ("long.csv", "url\n" + "x" * 200_000 + "\n", "no CSV"),
            ("broken.html", "<!DOCTYPE NETSCAPE-Bookmark-file-1><a href='" + "x" * 3_000_000, "no end"),
        ],
    )
    def test_what_is_no_list(self, name: str, text: str, reason: str) -> None:
        found = read(name, text)
        assert reason in found[-1].error

    def test_hidden_and_lone_letters_do_not_come_in(self) -> None:
        text = '<!DOCTYPE NETSCAPE-Bookmark-file-1><A HREF="https://e.org/&#0;x" TAGS="a\u202eb,\x07">t\u2028\x00i</A>'
        found = read("b.html", text.encode() + b'<A HREF="https://e.org/\xff">\xff</A>')
        for one in found:
            assert isinstance(one.value, NewMemory) or one.error
            if isinstance(one.value, NewMemory):
                assert one.value.title.isprintable()
                assert all(tag.isprintable() for tag in one.value.tags)

    @pytest.mark.parametrize("at", ["0", "-1", "99999999999999999", "soon", "", "2999-01-01", "1e400", "nan"])
    def test_times_that_are_none(self, at: str) -> None:
        text = f'<!DOCTYPE NETSCAPE-Bookmark-file-1><A HREF="https://e.org/" ADD_DATE="{at}">x</A>'
        assert read("b.html", text)[0].value.reference_time is None

    @pytest.mark.parametrize("at", ["1700000000", "1700000000000", "1700000000000000", "2023-11-14T22:13:20Z"])
    def test_times_in_every_unit(self, at: str) -> None:
        text = f'<!DOCTYPE NETSCAPE-Bookmark-file-1><A HREF="https://e.org/" ADD_DATE="{at}">x</A>'
        assert read("b.html", text)[0].value.reference_time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)

    def test_many(self) -> None:
        lines = "\n".join(f'<DT><A HREF="https://e.org/{number}">Title {number}</A>' for number in range(20_000))
        found = read("b.html", f"<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<DL><p>\n{lines}</DL>")
        assert len(found) == 20_000
        assert found[-1].value.title == "Title 19999"


class TestImport:
    @pytest.fixture
    def api(self, alice: User) -> APIClient:
        client = APIClient()
        client.force_authenticate(alice)
        return client

    @pytest.fixture
    def send(self, api: APIClient, project: Project) -> Callable[..., Any]:
        def send(name: str, text: str, code: int = 202) -> Any:
            file = SimpleUploadedFile(name, text.encode())
            answer = api.post("/api/v1/memories/import", {"project": str(project.pk), "file": file}, format="multipart")
            assert answer.status_code == code, answer.content
            return answer.json()

        return send

    @staticmethod
    def run(task_id: str) -> TaskLog:
        runner.run(task_id, import_memories.run, "test")
        return TaskLog.objects.get(pk=task_id)

    def test_each_address_becomes_an_article_with_a_task(self, send: Callable[..., Any], project: Project) -> None:
        answer = send("bookmarks.html", BROWSER)
        assert answer["accepted"] == 3
        assert [one["line"] for one in answer["rejected"]] == [16, 17]
        task = self.run(answer["task_id"])
        assert (task.status, task.total, task.stage) == (Status.PROCESSING, 3, transitions.WAITING_STAGE)
        assert set(task.children.values_list("kind", flat=True)) == {Kind.INGEST_ARTICLE}
        memory = Memory.objects.get(source_url="https://b.example/bread")
        assert (memory.title, memory.content, memory.document.url) == ("Bread", "", "https://b.example/bread")
        assert memory.document.origin == SavedDocument.Origin.ADDRESS
        assert memory.document.title == memory.title
        assert [tag.name for tag in memory.memory_tags.all()] == ["Recipes"]
        assert memory.task is not None
        assert memory.task.parent == task
        assert SourceKey.objects.filter(project=project).count() == 3

    def test_notes_and_addresses_beside_each_other(self, send: Callable[..., Any]) -> None:
        answer = send("karakeep.json", KARAKEEP)
        assert answer["accepted"] == 2
        task = self.run(answer["task_id"])
        kinds = dict(task.children.values_list("memory__title", "kind"))
        assert kinds == {"One": Kind.INGEST_ARTICLE, "A note": Kind.INGEST_EPISODE}

    def test_what_the_project_has_is_not_taken_again(
        self, send: Callable[..., Any], project: Project, alice: User
    ) -> None:
        services.save_article(alice, project, "https://b.example/bread?utm_source=x")
        answer = send("bookmarks.html", BROWSER)
        assert answer["accepted"] == 2
        assert {"line": 13, "error": "The project has this address already."} in answer["rejected"]
        self.run(answer["task_id"])
        again = send("bookmarks.html", BROWSER, 400)
        assert "already" in json.dumps(again)

    def test_what_comes_twice_is_taken_once(self, send: Callable[..., Any]) -> None:
        answer = send("list.csv", "url\nhttps://e.org/a\nhttps://E.org:443/a#x\nhttps://e.org/b\n")
        assert answer["accepted"] == 2
        assert answer["rejected"] == [{"line": 3, "error": "The same address stands in line 2 already."}]

    def test_what_was_saved_meanwhile_is_left_out(
        self, send: Callable[..., Any], project: Project, alice: User
    ) -> None:
        """Between the upload and the work: the rest is made, and the import ends."""
        answer = send("list.csv", "url\nhttps://e.org/a\nhttps://e.org/b\n")
        services.save_article(alice, project, "https://e.org/a")
        services.save_article(alice, project, "https://e.org/b")
        task = self.run(answer["task_id"])
        assert (task.status, task.result) == (Status.COMPLETED, {"completed": 0, "failed": 0})
        assert Memory.objects.count() == 2

    def test_a_part_that_is_all_known_does_not_end_the_import(
        self, send: Callable[..., Any], project: Project, alice: User
    ) -> None:
        answer = send("list.csv", "url\n" + "".join(f"https://e.org/{number}\n" for number in range(120)))
        for number in range(50):
            services.save_article(alice, project, f"https://e.org/{number}")
        assert self.run(answer["task_id"]).total == 70
        assert Memory.objects.count() == 120

    def test_a_retry_fetches_what_failed(self, send: Callable[..., Any]) -> None:
        from tasks_app import services as tasks

        task = self.run(send("list.csv", "url\nhttps://e.org/a\nhttps://e.org/b\n")["task_id"])
        tasks.cancel(task)
        retry = self.run(str(tasks.retry(TaskLog.objects.get(pk=task.pk)).pk))
        assert set(retry.children.values_list("kind", flat=True)) == {Kind.INGEST_ARTICLE}
        assert Memory.objects.count() == 2

    def test_by_the_page(self, alice: User, project: Project) -> None:
        client = Client()
        client.force_login(alice)
        file = SimpleUploadedFile("bookmarks.html", BROWSER.encode())
        page = client.post(f"/project/{project.pk}/import", {"file": file}, follow=True)
        assert "3 memories accepted, 2 not taken" in " ".join(page.content.decode().split())

    def test_by_the_command_line(self, project: Project, alice: User, tmp_path: Path) -> None:
        path = tmp_path / "bookmarks.html"
        path.write_text(BROWSER)
        call_command("ingest", str(path), project=str(project.pk), no_wait=True)
        assert Import.objects.get().accepted == 3


class TestOpml:
    def test_what_stands_in_it(self) -> None:
        found = opml.subscriptions(io.BytesIO(OPML.encode()))
        assert [(one.line, one.url, one.title) for one in found] == [
            (5, "https://a.example/feed?x=1&y=2", "A & B"),
            (6, "https://c.example/rss", "C"),
            (8, "feed://x.example/", "bad"),
            (9, "https://a.example/feed?x=1&y=2#top", "A again"),
        ]

    def test_its_feeds_are_followed_soon(self, alice: User, project: Project) -> None:
        feeds.follow(alice, project, "https://c.example/rss")
        counts = feeds.follow_list(alice, project, opml.subscriptions(io.BytesIO(OPML.encode())))
        assert (counts.new, counts.known, [line for line, _ in counts.refused]) == (1, 1, [8])
        feed = Feed.objects.get(title="A & B")
        assert (feed.task, feed.created_by) == (None, alice)
        assert str(counts) == "1 feed is followed from now on; 1 was followed already; 1 could not be taken."

    @pytest.mark.parametrize("text", ["", "<opml/>", "<opml><outline xmlUrl='" + "x" * 300_000, "<html>"])
    def test_what_is_no_list(self, text: str) -> None:
        with pytest.raises(ImportRefused):
            opml.subscriptions(io.BytesIO(text.encode()))

    def test_more_than_a_project_may_follow(
        self, alice: User, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feeds, "MOST_FEEDS", 1)
        with pytest.raises(ImportRefused):
            feeds.follow_list(alice, project, opml.subscriptions(io.BytesIO(OPML.encode())))
        assert not Feed.objects.exists()

    def test_by_api(self, alice: User, bob: User, project: Project) -> None:
        client = APIClient()
        for user, code in [(bob, 403), (alice, 200), (alice, 200)]:
            client.force_authenticate(user)
            body = {"project": str(project.pk), "file": SimpleUploadedFile("f.opml", OPML.encode())}
            answer = client.post("/api/v1/feeds/import", body, format="multipart")
            assert answer.status_code == code
        assert answer.json()["known"] == 2
        wrong = {"project": str(project.pk), "file": SimpleUploadedFile("f.opml", b"<html>")}
        assert client.post("/api/v1/feeds/import", wrong, format="multipart").status_code == 400

    def test_by_the_page(self, alice: User, project: Project) -> None:
        client = Client()
        client.force_login(alice)
        file = SimpleUploadedFile("subscriptions.xml", OPML.encode())
        answer = client.post(f"/project/{project.pk}/import", {"file": file}, follow=True)
        assert answer.redirect_chain == [(f"/project/{project.pk}/feeds", 302)]
        assert "2 feeds are followed from now on" in answer.content.decode()

    def test_by_the_command_line(self, alice: User, project: Project, tmp_path: Path) -> None:
        path = tmp_path / "feeds.opml"
        path.write_text(OPML)
        with pytest.raises(CommandError, match="not taken") as caught:
            call_command("ingest", str(path), project=str(project.pk))
        assert caught.value.returncode == 3
        assert Feed.objects.count() == 2
