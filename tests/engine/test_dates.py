"""Date expressions: what they mean for a sentence said on Monday, 8 May 2023."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memories.engine.temporal import find_dates

NOW = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first", "precision", "relation"),
    [
        ("I went there yesterday.", "2023-05-07", "day", "at"),
        ("We met last week.", "2023-05-01", "day", "at"),
        ("She left last Friday.", "2023-05-05", "day", "at"),
        ("She left last Fri.", "2023-05-05", "day", "at"),
        ("He joined on Tues.", "2023-05-02", "day", "at"),
        ("We meet next Sat.", "2023-05-13", "day", "at"),
        ("We meet next Monday.", "2023-05-15", "day", "at"),
        ("They moved two years ago.", "2021-01-01", "year", "at"),
        ("It began ten days ago.", "2023-04-28", "day", "at"),
        ("He retired in 2019.", "2019-01-01", "year", "at"),
        ("It opened on 7 May 2020.", "2020-05-07", "day", "at"),
        ("It opened on May 7th, 2020.", "2020-05-07", "day", "at"),
        ("It opened in March 2020.", "2020-03-01", "month", "at"),
        ("We will go next month.", "2023-06-01", "month", "at"),
        ("I'll see her on Friday.", "2023-05-12", "day", "at"),
        ("I saw her on Friday.", "2023-05-05", "day", "at"),
        ("We were there last summer.", "2022-06-01", "month", "at"),
        ("In two weeks we are going to Rome.", "2023-05-22", "day", "at"),
        ("I have lived here since 2016.", "2016-01-01", "year", "since"),
        ("I have lived here for three years.", "2020-01-01", "year", "since"),
        ("She was the mayor until 2021.", "2021-01-01", "year", "until"),
        ("He taught there from 2016 to 2021.", "2016-01-01", "year", "between"),
        ("The 13/04/2023 report", "2023-04-13", "day", "at"),
        ("At 2023-05-07T10:00:00+02:00 it stopped", "2023-05-07", "time", "at"),
        ("Music of the 1990s", "1990-01-01", "year", "at"),
        ("A church of the 19th century", "1800-01-01", "year", "at"),
    ],
)
def test_expressions(text: str, first: str, precision: str, relation: str) -> None:
    (span,) = find_dates(text, NOW)
    assert (span.first.date().isoformat(), span.precision, span.relation) == (first, precision, relation)


@pytest.mark.parametrize("text", ["The sun was on sun-baked rocks.", "He sat on sat phones.", "They wed by wed lock."])
def test_words_like_days_in_short_are_no_dates(text: str) -> None:
    assert find_dates(text, NOW) == []


def test_a_range_ends_with_its_last_year() -> None:
    (span,) = find_dates("He taught there from 2016 to 2021.", NOW)
    assert span.last == datetime(2022, 1, 1, tzinfo=UTC)


def test_spans_include_their_preposition() -> None:
    text = "She has been there since early 2016."
    (span,) = find_dates(text, NOW)
    assert text[span.start : span.end] == "since early 2016"


@pytest.mark.parametrize(
    "text",
    [
        "It may rain.",
        "It cost $2000.",
        "1500 people came.",
        "On 03/04/2023",
        "31 February 2020",
        "9999 years ago",
        "Sun",
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert find_dates(text, NOW) == []


WORDS = "last next 2 31 0 9999 years ago in since until May 2023 Friday century 12th week yesterday - / for the past of"
words = st.sampled_from(WORDS.split())


@given(
    st.text(max_size=60) | st.lists(words, max_size=10).map(" ".join),
    st.datetimes() | st.datetimes(timezones=st.timezones() | st.just(UTC)),
)
def test_never_raises_and_stays_in_the_calendar(text: str, reference: datetime) -> None:
    spans = find_dates(text, reference)
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert span.first <= span.last
        assert span.first.tzinfo is UTC
    assert all(a.end <= b.start for a, b in pairwise(spans))
