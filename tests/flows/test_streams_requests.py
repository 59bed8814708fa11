"""Who may open a stream and for how long, and what a web process answers to requests that are not as they should be."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from statistics import median

import httpx
import pytest
import pytest_asyncio
from django.conf import settings

from bench.streams_client import Stream
from bench.streams_site import Site
from tests.flows.streams_parts import AT_ONCE, PATIENCE, Live, Server, beside, until, until_each
from tests.flows.streams_worker import PASSWORD

pytestmark = pytest.mark.flow
NOBODY = "00000000-0000-7000-8000-000000000000"
LONGEST = 20.0  # seconds until who may no longer read is sent away, on a busy machine


@pytest.fixture(scope="module")
def parts() -> Iterator[Live]:
    with Site() as site, beside(site) as live:
        yield live


@pytest.fixture(scope="module")
def stock(parts: Live) -> Iterator[Server]:
    with parts.served("stock") as server:
        yield server


@pytest_asyncio.fixture
async def site(parts: Live) -> AsyncIterator[Live]:
    yield parts
    parts.close()


async def test_an_id_that_is_none_of_the_streams_own_is_refused(site: Live, stock: Server) -> None:
    project, other = site.project(), site.project()
    task, another = site.task(project), site.task(project)
    of_task = ["x", "1", f"task-{task}", f"task-{task}:-1", f"task-{another}:1", f"project-{project}:1", "error"]
    of_project = ["x", f"task-{task}:1", f"project-{other}:0", f"project-{project}:1:2"]
    asked = [(f"tasks/{task}/stream", last) for last in of_task]
    asked += [(f"projects/{project}/stream", last) for last in of_project]
    answers = [await site.read(path, last) for path, last in asked]
    assert [answer.status for answer in answers] == [400] * len(asked)
    assert all(b"content-type: text/plain" in answer.body.lower() for answer in answers)
    theirs = [await site.read(asked[0][0], last, stock.url) for last in of_task]
    assert [answer.status for answer in theirs] == [*[200] * 6, 400]


async def test_a_place_that_is_ahead_begins_anew(site: Live) -> None:
    """As after a backup was played back: the reader knows more than the server."""
    project = site.project()
    task = site.task(project)
    of_task = await site.read(f"tasks/{task}/stream", f"task-{task}:99")
    of_project = await site.read(f"projects/{project}/stream", f"project-{project}:99")
    await until_each([of_task, of_project], 2)
    await site.send("send", tasks=[task], count=1)
    await until_each([of_task, of_project], 3)
    assert (of_task.numbers(), of_project.numbers()) == ([2, 3], [2, 3])
    assert of_project.body.count(b"event: reset\ndata: {}\n\n") == 1


async def test_the_signed_parameter_of_the_library_opens_nothing_and_breaks_nothing(site: Live, stock: Server) -> None:
    task = site.task()
    path = f"tasks/{task}/stream?es-meta=x"
    await until_each([await site.read(path)], 2)
    assert (await site.read(path, key="none")).status == 401
    assert (await site.read(path, url=stock.url)).status == 500


async def test_strangers_learn_nothing(site: Live) -> None:
    project = site.project()
    task = site.task(project)
    stranger = site.sender("join", username="stranger", project=site.project())
    refused = await site.read(f"projects/{project}/stream", key=stranger)
    unknown = await site.read(f"projects/{NOBODY}/stream", key=stranger)
    assert refused.status == unknown.status == 404
    bodies = [await site.read(f"tasks/{each}/stream", key=stranger) for each in (task, NOBODY)]
    await until(lambda: all(reader.ended.is_set() for reader in bodies))
    said = [reader.body.partition(b"\r\n\r\n")[2] for reader in bodies]
    assert said[0] == said[1]
    assert b'event: error\ndata: {"error": "Task not found"}\n\n' in said[0]


@contextlib.contextmanager
def signed_in(site: Live, username: str) -> Iterator[httpx.Client]:
    """A browser's session."""
    with httpx.Client(base_url=site.url) as client:
        client.get("/login")
        form = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        assert client.post("/login", data=form).status_code == 302
        yield client


async def by_session(site: Live, path: str, client: httpx.Client) -> Stream:
    return await site.read_with(path, Cookie=f"sessionid={client.cookies['sessionid']}")


async def test_who_may_no_longer_read_is_sent_away(site: Live) -> None:
    """Each in another way."""
    project = site.project()
    path = f"projects/{project}/stream"
    people = ("key", "logout", "password", "inactive", "member")
    given = {name: site.sender("join", username=name, project=project) for name in people}
    owner = await site.read(path, key=site.sender("join", username="owner", project=project, role="owner"))
    with signed_in(site, "logout") as leaving, signed_in(site, "password") as changing:
        streams = {
            "key": await site.read(path, key=given["key"]),
            "logout": await by_session(site, path, leaving),
            "password": await by_session(site, path, changing),
            "inactive": await site.read(path, key=given["inactive"]),
            "member": await site.read(path, key=given["member"]),
        }
        assert {name: stream.status for name, stream in streams.items()} == dict.fromkeys(people, 200)
        withdraw(site, given["key"])
        token = leaving.get(f"/project/{project}/").text.partition('name="csrfmiddlewaretoken" value="')[2][:64]
        assert leaving.post("/logout", data={"csrfmiddlewaretoken": token}).status_code == 302
        await site.send("change_password", username="password", password="another one entirely")
        await site.send("deactivate", username="inactive")
        await site.send("expel", username="member", project=project)
        assert await until(lambda: all(stream.ended.is_set() for stream in streams.values()), LONGEST) < LONGEST
        again = [
            await site.read(path, key=given["key"]),
            await by_session(site, path, changing),
            await site.read(path, key=given["inactive"]),
            await site.read(path, key=given["member"]),
        ]
    assert [stream.status for stream in again] == [401, 401, 401, 404]
    assert not owner.ended.is_set()


def withdraw(site: Live, key: str) -> None:
    """Deletes a key by the API, with itself."""
    with httpx.Client(base_url=f"{site.url}/api/v1", headers={"Authorization": f"Bearer {key}"}) as client:
        (row,) = client.get("/keys").json()["results"]
        assert client.delete(f"/keys/{row['id']}").is_success


async def test_streams_over_the_limits_are_refused_until_one_is_closed(site: Live) -> None:
    project = site.project()
    path = f"projects/{project}/stream"
    ann, ben = (site.sender("join", username=name, project=project) for name in ("ann", "ben"))
    limits = {"MEMSTACK_MAX_STREAMS_PER_USER": "2", "MEMSTACK_MAX_STREAMS_PER_PROCESS": "3"}
    with site.served("ours", limits) as web:
        opened = [await site.read(path, url=web.url, key=key) for key in (ann, ann, ben)]
        assert [stream.status for stream in opened] == [200] * 3
        for key in (ann, ben):  # one for each limit
            refused = await site.read(path, url=web.url, key=key)
            assert refused.status == 503
            assert b"\r\nretry-after: " in refused.body.lower()
        opened[2].close()
        await until_status(site, web.url, path, ben, 200)
        assert (await site.read(path, url=web.url, key=ann)).status == 503


async def until_status(site: Live, url: str, path: str, key: str, status: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await site.read(path, url=url, key=key)).status != status:
            await asyncio.sleep(0.05)


def test_the_limits_are_the_documented_ones() -> None:
    limits = settings.MEMSTACK_MAX_STREAMS_PER_USER, settings.MEMSTACK_MAX_STREAMS_PER_PROCESS
    assert limits == (2000, 5000)


@pytest.mark.parametrize("variant", ["ours-gzip", "stock-gzip"])
async def test_a_middleware_that_compresses_leaves_streams_alone(site: Live, variant: str) -> None:
    task = site.task()
    with site.served(variant) as web:
        headers = {"Authorization": f"Bearer {site.key}", "Accept-Encoding": "gzip"}
        async with httpx.AsyncClient(base_url=f"{web.url}/api/v1", headers=headers, timeout=30) as client:
            if variant == "ours-gzip":
                page = await client.get("/projects", params={"page_size": 50})
                assert page.headers["content-encoding"] == "gzip", "or this shows nothing"
            async with client.stream("GET", f"/tasks/{task}/stream") as response:
                seen = await decoded(site, task, response, 1 if variant == "stock-gzip" else PATIENCE)
    assert ("content-encoding" in response.headers, len(seen)) == ((False, 10) if "ours" in variant else (True, 0))
    assert not seen or median(seen) < AT_ONCE


async def decoded(site: Live, task: str, response: httpx.Response, patience: float) -> list[float]:
    """Sends ten events one by one: the seconds that each took to a reader that decodes; ends with the first lost."""
    text, lines = "", response.aiter_text()
    waiting = asyncio.ensure_future(anext(lines))
    seen: list[float] = []
    for _ in range(10):
        await site.send("send", tasks=[task], count=1)
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while '"step 0"' not in text:
                    text += await asyncio.shield(waiting)
                    waiting = asyncio.ensure_future(anext(lines))
        if '"step 0"' not in text:
            break
        text = ""
        seen.append(time.monotonic() - began)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
        await waiting
    return seen
