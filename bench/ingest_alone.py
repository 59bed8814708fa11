"""The models alone: tags, parses and embeds the passages of the memory on standard input, and nothing with them.

`python -m bench.ingest_alone < body.json` prints `{"cpu": seconds, "wall": seconds}`, without loading the models. Of a
long text it reads every n-th batch, and the seconds are those times n.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from memories.engine import embedding, ranking
from memories.engine.batching import batches
from memories.engine.extraction import load
from memories.engine.passages import render_conversation, split
from memories.engine.types import Message, Source

SAMPLE = 500_000  # characters


def main() -> None:
    source = source_of(json.load(sys.stdin))
    passages = split(source)
    nlp = load()
    list(nlp.pipe(["Anna Smith lives in Lisbon."]))
    embedding.embed(["Anna Smith lives in Lisbon."])
    every = max(1, len(source.content) // SAMPLE)
    cpu, wall = time.process_time(), time.perf_counter()
    for batch in islice(batches(passages, lambda passage: len(passage.text)), None, None, every):
        for _ in nlp.pipe([passage.text for passage in batch], batch_size=8):
            pass
        embedding.embed([ranking.embedding_text(passage) for passage in batch])
    print(json.dumps({"cpu": (time.process_time() - cpu) * every, "wall": (time.perf_counter() - wall) * every}))


def source_of(body: dict[str, Any]) -> Source:
    when = datetime(2024, 5, 7, tzinfo=UTC)
    if "messages" not in body:
        return Source(body["content"], "text", when)
    messages = tuple(
        Message(said["speaker"], said["content"], at=datetime.fromisoformat(said["at"]) if said.get("at") else None)
        for said in body["messages"]
    )
    return Source(render_conversation(messages), "conversation", when, messages=messages)


if __name__ == "__main__":
    main()
