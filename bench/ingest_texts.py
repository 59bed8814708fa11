"""Texts that `bench.ingest` has read: conversations out of a file, and one that is made up."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_WORDS = """
first: Ada Bruno Carla Dennis Elena Felix Greta Hugo Irene Jonas Karin Louis Marta Nadia Oscar Paula Quentin Rosa Simon
first: Tilda Ursula Victor Wanda Xaver Yvonne Zeno Alice Boris Clara David Edith Frank Gloria Henry Ines Julia Kevin
last: Ander Berg Cald Dorn Eber Falk Grau Hart Immer Jans Kell Lind Mont Nord Oster Pell Quast Rein Stein
ending: son man er ley ton worth field stad wick ham feld mann sen ford well
firm: Alder Bright Cobalt Delta Ember Forge Granite Harbor Iron Juniper Kestrel Lumen Meridian Nova Orchid
trade: Systems Labs Foods Press Motors Energy Textiles Logistics Media Instruments Partners Robotics
town: Lisbon Oslo Turin Graz Lyon Leipzig Porto Ghent Malmo Krakow Seville Bergen Basel Cork Bilbao Dresden
"""
SENTENCES = (
    "{person} works for {firm} in {town}, where the company has had an office since {year}.",
    "{person} and {other} met in {town} during a conference about renewable energy.",
    "{firm} was founded by {person} in {year} and moved to {town} a few years later.",
    "She told the newspaper that the new factory would be finished before the end of the year.",
    "In {year} {person} married {other}, and the couple bought a small house near {town}.",
    "The report, which was published last week, says that {firm} lost a third of its customers.",
    "{person} did not want to leave {town} because her daughter had just started school there.",
    "After the merger with {firm}, most of the engineers found other work within a few months.",
    "“We have learned a great deal from this,” said {person}, who leads the research group at {firm}.",
    "It rained for most of the week, and the streets near the river were closed to traffic.",
    "{person}, a former teacher from {town}, has written four books about the history of the region.",
    "Nobody could explain why the old bridge had been left without repairs for such a long time.",
    "The board of {firm} appointed {person} as chief executive in {year}.",
    "{other} studied physics in {town} before joining {firm} as a consultant.",
    "Local farmers sell their vegetables on the square every Saturday morning, whatever the weather.",
)


def _table(text: str) -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    for line in text.split("\n"):
        name, _, words = line.partition(": ")
        table.setdefault(name, []).extend(words.split())
    return table


WORDS = _table(_WORDS)


def made_up(size: int) -> str:
    """English prose of `size` characters at least, the same each time, with a heading now and then."""
    chance, parts, length = random.Random(7), [], 0  # noqa: S311 - no secret
    while length < size:
        heading = f"{chance.choice(WORDS['town'])} and {_firm(chance)}"
        paragraphs = [" ".join(_sentence(chance) for _ in range(chance.randint(3, 8))) for _ in range(12)]
        parts += [heading, *paragraphs]
        length += sum(map(len, paragraphs)) + len(heading) + 2 * (len(paragraphs) + 1)
    return "\n\n".join(parts)


def _sentence(chance: random.Random) -> str:
    return chance.choice(SENTENCES).format(
        person=_person(chance),
        other=_person(chance),
        firm=_firm(chance),
        town=chance.choice(WORDS["town"]),
        year=chance.randint(1950, 2023),
    )


def _person(chance: random.Random) -> str:
    return f"{chance.choice(WORDS['first'])} {chance.choice(WORDS['last'])}{chance.choice(WORDS['ending'])}"


def _firm(chance: random.Random) -> str:
    return f"{chance.choice(WORDS['firm'])} {chance.choice(WORDS['trade'])}"


def conversations(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each conversation of the file with its name, as the body of a memory."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if data and "conversation" in data[0]:
        for sample in data:
            yield sample["sample_id"], {"messages": list(_turns(sample["conversation"]))}
    else:
        yield path.stem, {"messages": data}


def _turns(conversation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """LoCoMo's sessions in their order, a message a turn."""
    numbers = sorted(int(found[1]) for key in conversation if (found := re.fullmatch(r"session_(\d+)", key)))
    for number in numbers:
        text = conversation[f"session_{number}_date_time"].strip()
        said = datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
        for turn in conversation[f"session_{number}"]:
            shared = f" [shared photo: {turn['blip_caption']}]" if turn.get("blip_caption") else ""
            yield {
                "id": turn["dia_id"],
                "speaker": turn["speaker"],
                "content": turn.get("text", "") + shared,
                "at": said.isoformat(),
            }
