"""Errors of the engine: what a person may read, and whether trying again can help."""

from __future__ import annotations


class EngineError(Exception):
    """A failure whose message is a plain sentence for the user.

    `code` is a stable word for programs; `permanent` says that another attempt with the same input would fail as well.
    """

    code = "engine_error"
    permanent = True


class InvalidSource(EngineError):
    """The text can't be read as what it claims to be."""

    code = "invalid_source"


class WeightsUnavailable(EngineError):
    """A model's weight file is missing or is not the pinned one."""

    code = "weights_unavailable"
    permanent = False


class Unavailable(EngineError):
    """Somebody else's trouble, which may be over in a while; `retry_after`: seconds that they asked to wait for."""

    code = "unavailable"
    permanent = False

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
