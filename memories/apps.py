from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate


class MemoriesConfig(AppConfig):
    name = "memories"
    verbose_name = "Memories"

    def ready(self) -> None:
        """Some ALTERs on SQLite rebuild a table and drop its triggers, so they are looked for after each migration."""
        from memories import kept_files
        from memories.models import SavedDocument
        from memories.search import fulltext

        post_migrate.connect(fulltext.after_migrate, sender=self)
        post_delete.connect(kept_files.document_deleted, sender=SavedDocument)
