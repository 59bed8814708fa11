from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate

if TYPE_CHECKING:
    from memories.engine.feeds import Entry
    from memories.models import Feed, Memory


class MemoriesConfig(AppConfig):
    name = "memories"
    verbose_name = "Memories"

    def ready(self) -> None:
        """Some ALTERs on SQLite rebuild a table and drop its triggers, so they are looked for after each migration."""
        from memories import kept_files
        from memories.models import SavedDocument
        from memories.pipelines import savers
        from memories.search import fulltext

        savers.saves_with(_save_entry)
        post_migrate.connect(fulltext.after_migrate, sender=self)
        post_delete.connect(kept_files.document_deleted, sender=SavedDocument)


def _save_entry(feed: Feed, entry: Entry) -> Memory | None:
    """Imported when it is needed: services know all of the program, and most programs of it save no feed."""
    from memories import feeds

    return feeds.save_entry(feed, entry)
