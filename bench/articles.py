"""What the steps of an article and of a recording take, and how soon their events are seen. Prints tables in Markdown.

`python -m bench.articles [--seconds 10] [--recording 60] [--postgres]`: real processes, an empty data folder, a server
on loopback that drips a page over so many seconds, and read speech of that length as a file.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

import numpy as np

from bench.imports import database
from tests import recordings
from tests.fetching.servers import drips, serving
from tests.flows.articles_parts import PARAGRAPHS, Reader, Told, moment, page, post_article, post_file
from tests.stack import Stack, wait_for


def main() -> None:
    options = arguments()
    with database(options.postgres) as url, serving() as server:
        text = page(*(f"{paragraph} It was year {year}." for year in range(1833, 1863) for paragraph in PARAGRAPHS))
        server.answers["/dripping"] = drips(lambda: server, text, options.seconds)
        private = {"MEMSTACK_PRIVATE_HOSTS": f"127.0.0.1:{server.port}"}
        with Stack(database_url=url, workers=2, environment=private) as stack:
            wait_for(lambda: stack.client.get("/readyz").json()["worker"]["ok"] or None, 60)
            project = stack.project("Bench")
            speech = recording(options.recording)
            watched(stack, post_file(stack, project, "warm.wav", recording(5))["task_id"])  # joins and loads the model
            article = watched(stack, post_article(stack, project, server.url("/dripping"))["task_id"])
            heard = watched(stack, post_file(stack, project, "speech.wav", speech)["task_id"])
            cost = stack.get(f"tasks/{heard[-1].data['id']}")["duration_seconds"]
    report(f"a page of {len(text):,} bytes, dripped over {options.seconds:g} s", article)
    report(f"a recording of {options.recording:g} s, {cost:.1f} s in all", heard)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="that the page is dripped over")
    parser.add_argument("--recording", type=float, default=60.0, help="seconds of speech")
    parser.add_argument("--postgres", action="store_true")
    return parser.parse_args()


def recording(seconds: float) -> bytes:
    samples = recordings.speech()
    wanted = np.resize(samples, int(seconds * recordings.RATE))
    with tempfile.TemporaryDirectory(prefix="memstack-bench-") as folder:
        return recordings.write(Path(folder) / "speech.wav", wanted, "pcm_s16le").read_bytes()


def watched(stack: Stack, task: str) -> list[Told]:
    with Reader(stack, task) as reader:
        told = reader.ended(600)
    if told[-1].type != "completed":
        raise SystemExit(f"The task has not completed: {told[-1].data}")
    return told


def report(title: str, told: Sequence[Told]) -> None:
    """Seconds from each step to the next, and how late its events were."""
    print(f"\n| {title} | after | takes | events |\n|---|---:|---:|---:|")
    begun = moment(told[0].data["at"])
    steps: list[tuple[str, float, int]] = []
    for one in told:
        step = one.data["step"] or one.data["status"]
        if one.type != "progress":
            step = one.type
        if not steps or steps[-1][0] != step:
            steps.append((step, moment(one.data["at"]), 0))
        name, at, count = steps[-1]
        steps[-1] = (name, at, count + 1)
    for (name, at, count), (_, until, _) in zip(steps, [*steps[1:], steps[-1]], strict=True):
        print(f"| {name} | {at - begun:.2f} s | {until - at:.3f} s | {count} |")
    delays = [1000 * one.delay for one in told if one.delay]
    median, p95 = quantiles(delays, n=2)[0], quantiles(delays, n=20)[-1]
    print(f"\n{len(delays)} events seen live; delay p50 {median:.0f}, p95 {p95:.0f}, max {max(delays):.0f} ms")


if __name__ == "__main__":
    main()
