"""What deciding who is one costs a memory, in a project of many entities: `python -m bench.joining [entities]`.

Names are first names and surnames at random, so that many are alike. The database is in a folder that is removed.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memstack.settings")
_FIRST = """
anna maria john peter tom william robert elizabeth katherine james linda barbara susan jessica sarah karen lisa nancy
betty sandra margaret ashley kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca laura helen
sharon cynthia kathleen amy angela shirley brenda emma pamela nicole christine samantha daniel paul mark donald george
kenneth steven edward brian ronald anthony kevin jason matthew gary timothy jose larry jeffrey frank scott eric
"""
FIRST = _FIRST.split()
_SYLLABLES = "ba ber co dal den fer gan hol jan kar lin mar nel or pet quin ros sen tor ul ver wal yor zim son man ton"
SYLLABLES = _SYLLABLES.split()
SAVES, PEOPLE = 30, 12


def main(entities: int) -> None:
    with tempfile.TemporaryDirectory(prefix="memstack-joining-") as folder:
        os.environ["MEMSTACK_DATA_DIR"] = folder
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        print(f"{'entities':>9} {'queries':>8} {'median ms':>10} {'worst ms':>9} {'reviews':>8}")
        measure(0)
        measure(entities)


def measure(entities: int) -> None:
    """Prints a line: what saving a memory of twelve people costs beside so many others."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from memories import services
    from memories.models import Review
    from tests.memories.sayings import say

    chance = random.Random(7)  # noqa: S311 - names, no secrets
    project = services.create_project(User.objects.get_or_create(username="bench")[0], name=str(entities))
    fill(project, entities, chance)
    times, queries = [], []
    for day in range(SAVES):
        text = "\n".join(f"{name(chance)} works_for {company(chance)}" for _ in range(PEOPLE))
        with CaptureQueriesContext(connection) as captured:
            started = time.perf_counter()
            say(project, text, day=day)
            times.append((time.perf_counter() - started) * 1000)
        queries.append(len(captured))
    found = Review.objects.filter(project=project).count()
    print(
        f"{entities:9,} {statistics.median(queries):8.0f} {statistics.median(times):10.1f} {max(times):9.1f} {found:8,}"
    )


def fill(project, entities: int, chance: random.Random) -> None:  # type: ignore[no-untyped-def]
    """Entities as saving would have left them, each with one mention."""
    from memories.engine.resolution.identity import digest, key_of
    from memories.graph import naming
    from memories.models import Entity, Memory, Mention, Passage
    from tests.memories.sayings import EPOCH

    memory = Memory.objects.create(project=project, content="x y", reference_time=EPOCH, generation=1)
    passage = Passage.objects.create(memory=memory, generation=1, position=0, text="x y", start=0, end=3)
    keys = {key_of(full, person=True): full for full in (name(chance).replace("_", " ") for _ in range(entities))}
    rows = [
        Entity(project=project, name=full, type="person", key=key, identity=digest(key)) for key, full in keys.items()
    ]
    for chunk in naming.chunks(rows):
        Entity.every.bulk_create(chunk)
        Mention.objects.bulk_create(
            Mention(
                entity=row, read_as=row, name=row.name, text=row.name, memory=memory, passage=passage, kind="name",
                type="person", start=0, end=1,
            )
            for row in chunk
        )  # fmt: skip
        naming.refresh([row.pk for row in chunk])


def name(chance: random.Random) -> str:
    """A first name and a surname; a tenth have only one of the two, or an initial."""
    first, last = chance.choice(FIRST).title(), "".join(chance.choices(SYLLABLES, k=chance.choice((2, 3)))).title()
    return chance.choice([f"{first}_{last}"] * 8 + [f"{first[0]}._{last}", first])


def company(chance: random.Random) -> str:
    return chance.choice(["Acme", "Globex", "IBM", "Microsoft", "Leeds", "Boston"])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
