"""A feed and a list of bookmarks over real processes: the dispatcher makes the fetch, workers make articles of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fetching.servers import Server, reply, serving
from tests.flows.articles_parts import PARAGRAPHS, page
from tests.stack import PATIENCE, Stack, wait_for

pytestmark = pytest.mark.flow


DUE = "from django.utils import timezone; from memories.models import Feed; Feed.objects.update(next_at=timezone.now())"


def rss(server: Server, *names: str) -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>{name}</guid><link>{server.url(name)}</link></item>" for name in names
    )
    return reply(
        f'<rss version="2.0"><channel><title>Engine News</title>{items}</channel></rss>'.encode(),
        content_type="application/rss+xml",
    )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        for number in range(1, 5):
            title = f"Engine {number}"
            running.answers[f"/{number}"] = reply(page(*PARAGRAPHS, f"This is page {number}.", title=title))
        yield running


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[Stack]:
    with Stack(environment={"MEMSTACK_PRIVATE_HOSTS": f"127.0.0.1:{server.port}"}) as stack:
        yield stack


def titles(site: Stack, project: str) -> set[str]:
    found = site.get("memories", project=project)["results"]
    return {row["title"] for row in found if row["processing_status"] == "completed"}


def test_a_feed_is_followed(site: Stack, server: Server) -> None:
    project = site.project("Feeds")
    server.answers["/feed"] = rss(server, "/2", "/1")
    feed = site.post("feeds", {"project": project, "url": server.url("/feed")})
    assert site.wait_for_task(feed["task_id"])["message"] == "2 new articles"
    wait_for(lambda: len(titles(site, project)) == 2 or None, PATIENCE, lambda: str(site.get("tasks", project=project)))
    assert titles(site, project) == {"Engine 1", "Engine 2"}
    server.answers["/feed"] = rss(server, "/3", "/2", "/1")
    site.manage("shell", "-c", DUE)
    wait_for(
        lambda: "Engine 3" in titles(site, project) or None, PATIENCE, lambda: str(site.get("feeds", project=project))
    )
    again = site.get(f"feeds/{feed['id']}")
    assert (again["title"], again["result"], again["error"]) == ("Engine News", "1 new article", None)
    assert server.paths.count("/1") == 1


def test_bookmarks_become_articles(site: Stack, server: Server) -> None:
    project = site.project("Bookmarks")
    text = f"url,title,tags\n{server.url('/4')},A name of my own,engines\n{server.url('/nothing')},Gone,\n"
    answer = site.client.post(
        "/api/v1/memories/import", data={"project": project}, files={"file": ("list.csv", text.encode())}
    )
    assert answer.status_code == 202, answer.text
    task = site.wait_for_task(answer.json()["task_id"])
    assert task["result"] == {"completed": 1, "failed": 1}
    assert titles(site, project) == {"Engine 4"}
    rows = {row["title"]: row for row in site.get("memories", project=project)["results"]}
    assert rows["Engine 4"]["tags"] == ["engines"]
    assert rows["Gone"]["processing_status"] == "failed"
