from django.db import migrations

from memories.search.fulltext import create, migrate_backwards, migrate_forwards


class Migration(migrations.Migration):

    dependencies = [("memories", "0002_links_and_constraints")]

    operations = [migrations.RunPython(migrate_forwards, migrate_backwards)]

    beyond_models = staticmethod(create)
    accepted_hazards = {name: "part of the first version: the tables are empty" for name in ("stored", "index")}
