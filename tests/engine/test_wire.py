"""Lines that say where a report comes from: the town and the station, and nothing else in them, are names."""

from __future__ import annotations

import time

import pytest

from memories.engine.extraction.wire import lines
from tests.engine.test_extraction import read


@pytest.mark.parametrize(
    ("text", "town", "medium"),
    [
        ("AB1203097197 Lima Radio Andina in Spanish 1800 GMT 3 Mar 97", "Lima", "Radio Andina"),
        ("Graz Kurier-2 Television in German 0700 GMT 3 Mar 97", "Graz", "Kurier-2 Television"),
        ("Talks Resume in Bern AB1203097197 Buenos Aires EL FARO in Spanish 3 Mar 97 p 4", "Buenos Aires", "EL FARO"),
        ("AB1203097197 Bergen FJORDPOSTEN in Norwegian No 5, 3 Mar 97", "Bergen", "FJORDPOSTEN"),
        ("Oslo Nordlys Radio Network", "Oslo", "Nordlys Radio Network"),
        ("Lisbon O FAROL", "Lisbon", "O FAROL"),
    ],
)
def test_a_source_line_names_a_town_and_a_station(text: str, town: str, medium: str) -> None:
    (line,) = lines(text)
    assert line.medium is not None
    assert (text[slice(*line.town)], text[slice(*line.medium)]) == (town, medium)


@pytest.mark.parametrize(
    "text",
    [
        "Anna Smith published Winter Light in French.",
        "Oslo University Hospital",
        "London Bridge",
        "Anna Smith in Paris 3 May 2021",
        "Paris Hoff in Milan 3 May 2021",
        "National Public Radio",
        "The band recorded it in English in 1997.",
        "Anna moved to Lima in March 1997.",
    ],
)
def test_other_lines_are_left_alone(text: str) -> None:
    assert lines(text) == []


def test_neither_the_headline_nor_the_language_is_a_name() -> None:
    found = read("Steel Prices Reportedly Rise Again AB1203097197 Oslo Nordlys Radio Network in Norwegian 3 Mar 97")
    assert found.types() == {"Oslo": "location", "Nordlys Radio Network": "organization"}


def test_the_town_of_a_dateline_may_be_in_capitals() -> None:
    assert read("BAD ISCHL, Austria (XP) -- The lake froze over.").types()["BAD ISCHL"] == "location"


def test_lines_are_found_in_linear_time() -> None:
    for text in ("AB1203097197 Oslo " * 20_000, "OSLO " * 60_000, "Oslo " * 60_000, "1 Mar 97 in German " * 20_000):
        begin = time.process_time()
        lines(text)
        assert time.process_time() - begin < 2
