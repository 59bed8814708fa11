"""Why an import, or a part of it, is not taken. The messages are sentences for the user."""

from __future__ import annotations

from memories.models import Import


class Unreadable(Exception):
    """One line, memory or file can't be read; the rest of the upload can."""


class ImportRefused(Exception):
    """Nothing of the upload is taken. `too_large` when it is over a limit."""

    def __init__(self, sentence: str, *, too_large: bool = False) -> None:
        super().__init__(sentence)
        self.too_large = too_large


class AlreadyRunning(Exception):
    """The same content is being imported into the project at this moment."""

    def __init__(self, running: Import) -> None:
        super().__init__("The same content is being imported into this project right now. Nothing was imported twice.")
        self.running = running
