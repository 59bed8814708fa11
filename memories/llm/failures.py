"""Why a question to the language model came to nothing, in plain sentences; never in the server's own words, which
may repeat the key."""

from __future__ import annotations


class LlmFailure(Exception):
    """Its text is a sentence for the user. `final`: asking again in the same task would be of no use."""

    final = False


class BudgetSpent(LlmFailure):
    final = True


class Misconfigured(LlmFailure):
    final = True


class NoAnswer(LlmFailure):
    """The model did not answer, or not in time."""


class BadAnswer(LlmFailure):
    """The model answered something that can't be used."""
