"""Which process of a test run runs which tests."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """One process runs all tests of a file that starts a MemStack, on one database, in their order; the largest of
    these files go first, and what is alone goes to whoever is free.

    By the names: what is marked `xdist_group` is spread like everything else (pytest 9.2, xdist 3.8).
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, name = nodeid.partition("::")
        if "flows/" not in file and "pages/" not in file:
            return nodeid
        return f"{file} on PostgreSQL" if "postgresql" in name.partition("[")[2] else file
