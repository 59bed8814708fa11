"""What is wrong with a document, in a sentence for the person who saved it."""

from __future__ import annotations


class UnreadableDocument(Exception):
    """`str(error)` says what is wrong and what to do; trying again with the same bytes does not help."""
