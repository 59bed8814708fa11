"""Which entities are shown as one: it follows from what the memories say and what people decided, in whatever order."""

from __future__ import annotations

import random

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memories import services
from memories.graph import merging
from memories.models import Entity, Memory, Merge, Project, Review
from tests.memories.sayings import copy_decisions, graph, say

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("joining-owner")


@pytest.fixture
def home(owner: User) -> Project:
    return services.create_project(owner, name="Home")


def names(project: Project) -> list[str]:
    return sorted(project.entities.values_list("name", flat=True))


def facts(project: Project) -> list[str]:
    rows = project.facts.values_list("subject__name", "predicate", "object__name")
    return sorted(" ".join(str(part) for part in row) for row in rows)


def one(project: Project, name: str) -> Entity:
    return Entity.every.get(project=project, name=name)


def merge(project: Project, source: str, target: str) -> Merge:
    with transaction.atomic():
        return merging.merge(project, one(project, source), one(project, target), None)


def undo(merge: Merge) -> None:
    with transaction.atomic():
        merging.undo(merge, None)


def test_a_merge_moves_all_and_its_undo_brings_all_back(home: Project) -> None:
    say(home, "Bob works_for Acme\nBob knows Anna")
    say(home, "Robert works_for Acme\nRobert knows Bob", day=1)
    before = graph(home)
    done = merge(home, "Bob", "Robert")
    assert names(home) == ["Acme", "Anna", "Robert"]
    assert facts(home) == ["Robert knows Anna", "Robert works_for Acme"]
    undo(done)
    assert graph(home) == before


def test_what_is_saved_meanwhile_goes_where_it_belongs(home: Project) -> None:
    first = say(home, "Bob works_for Acme")
    say(home, "Robert works_for Globex", day=1)
    done = merge(home, "Bob", "Robert")
    say(home, "Bob knows Anna", day=2)
    assert facts(home) == ["Robert knows Anna", "Robert works_for Acme", "Robert works_for Globex"]
    services.delete_memory(first)
    undo(done)
    assert facts(home) == ["Bob knows Anna", "Robert works_for Globex"]


def test_a_chain_and_its_undo_out_of_order(home: Project) -> None:
    for day, name in enumerate(("Bob", "Robert", "Bertie")):
        say(home, f"{name} works_for Acme", day=day)
    first, second = merge(home, "Bob", "Robert"), merge(home, "Robert", "Bertie")
    assert names(home) == ["Acme", "Bertie"]
    undo(first)
    assert names(home) == ["Acme", "Bertie", "Bob"]
    undo(second)
    assert names(home) == ["Acme", "Bertie", "Bob", "Robert"]


def test_a_circle_is_refused(home: Project) -> None:
    say(home, "Bob works_for Acme\nRobert works_for Acme\nTom works_for Acme")
    merge(home, "Bob", "Robert")
    with pytest.raises(merging.Refused, match="already been merged into “Robert”"):
        merge(home, "Robert", "Bob")
    with pytest.raises(merging.Refused, match="undo its merge first"):
        merge(home, "Bob", "Tom")
    with pytest.raises(merging.Refused, match="into itself"):
        merge(home, "Tom", "Tom")


def test_a_merge_outlives_the_memories_it_was_about(home: Project) -> None:
    bob = say(home, "Bob works_for Acme")
    say(home, "Robert works_for Globex", day=1)
    merge(home, "Bob", "Robert")
    services.delete_memory(bob)
    assert names(home) == ["Globex", "Robert"]
    say(home, "Bob knows Anna", day=2)
    assert facts(home) == ["Robert knows Anna", "Robert works_for Globex"]


def test_the_absorbed_one_shows_while_the_other_is_gone(home: Project) -> None:
    say(home, "Bob works_for Acme")
    robert = say(home, "Robert works_for Globex", day=1)
    merge(home, "Bob", "Robert")
    services.delete_memory(robert)
    assert names(home) == ["Acme", "Bob"]
    assert Merge.objects.get(project=home).target is None
    say(home, "Robert works_for Globex", day=1)
    assert names(home) == ["Acme", "Globex", "Robert"]


def test_a_first_name_joins_who_is_called_so_while_there_is_one(home: Project) -> None:
    say(home, "Anna knows Tom", day=1)
    assert names(home) == ["Anna", "Tom"]
    say(home, "Anna_Smith works_for Acme\nAnna works_for Globex")
    assert names(home) == ["Acme", "Anna Smith", "Globex", "Tom"]
    other = say(home, "Anna_Jones works_for IBM\nAnna works_for IBM", day=2)
    assert names(home) == ["Acme", "Anna", "Anna Jones", "Anna Smith", "Globex", "IBM", "Tom"]
    services.delete_memory(other)
    assert names(home) == ["Acme", "Anna Smith", "Globex", "Tom"]


def test_what_is_nearly_sure_is_asked(home: Project) -> None:
    say(home, "Bill_Smith works_for Acme")
    say(home, "William_Smith works_for Globex", day=1)
    review = Review.objects.get(project=home)
    assert review.first_entity
    assert review.second_entity
    assert (review.state, review.first_entity.name, review.second_entity.name) == (
        "open",
        "Bill Smith",
        "William Smith",
    )
    assert review.evidence["reasons"] == ["“Bill” is a short form of “William”."]
    assert [quote["text"] for quote in review.evidence["quotes"]] == [
        "Bill Smith works for Acme", "William Smith works for Globex"
    ]  # fmt: skip
    with transaction.atomic():
        merging.accept(review, None)
    assert "Bill Smith" not in names(home) or "William Smith" not in names(home)
    review.refresh_from_db()
    with transaction.atomic():
        merging.reopen(review, None)
    assert {"Bill Smith", "William Smith"} <= set(names(home))
    assert Review.objects.get(project=home).state == "open"


def test_what_both_are_connected_with_makes_it_sure(home: Project) -> None:
    say(home, "Bill_Smith works_for Acme")
    say(home, "William_Smith works_for Acme", day=1)
    assert names(home) == ["Acme", "William Smith"]
    joined = Merge.objects.get(project=home)
    assert joined.automatic
    undo(joined)
    assert names(home) == ["Acme", "Bill Smith", "William Smith"]
    say(home, "Bill_Smith knows Tom\nTom", day=2)
    assert {"Bill Smith", "William Smith"} <= set(names(home))


def test_nobody_is_asked_twice(home: Project) -> None:
    first = say(home, "Bill_Smith works_for Acme")
    say(home, "William_Smith works_for Globex", day=1)
    with transaction.atomic():
        merging.reject(Review.objects.get(project=home), None)
    services.delete_memory(first)
    assert "Bill" not in str(list(Review.objects.filter(project=home).values()))
    say(home, "Bill_Smith works_for Acme")
    assert Review.objects.get(project=home).state == "rejected"


def test_a_deleted_name_is_in_no_row(home: Project) -> None:
    say(home, "William_Smith works_for Globex")
    say(home, "Anna works_for Acme", day=1)
    memory = say(home, "Bill_Smith knows Zzcanary\nZzcanary knows Anna\nZzcanary_Smith works_for Acme", day=2)
    with transaction.atomic():
        merging.reject(Review.objects.filter(project=home, first_entity__name="Bill Smith").get(), None)
    merge(home, "Zzcanary Smith", "Anna")
    merge(home, "William Smith", "Bill Smith")
    services.delete_memory(memory)
    for model in apps.get_app_config("memories").get_models():
        rows = str(list(model._base_manager.values())).casefold()
        assert "canary" not in rows, model
        assert "bill" not in rows, model


def test_two_of_one_name_stay_two(home: Project) -> None:
    say(home, "John_Smith born_in Leeds\nJohn_Smith works_for Acme")
    say(home, "John_Smith born_in Boston\nJohn_Smith works_for Globex", day=1)
    assert names(home) == ["Acme", "Boston", "Globex", "John Smith", "John Smith", "Leeds"]
    third = say(home, "John_Smith works_for Globex\nJohn_Smith knows Tom", day=2)
    knows = home.facts.get(predicate="knows")
    assert knows.subject.facts_as_subject.filter(object__name="Boston").exists()
    services.delete_memory(third)
    services.delete_memory(Memory.objects.get(project=home, reference_time__day=2))
    assert names(home) == ["Acme", "John Smith", "Leeds"]


def test_who_is_who_after_a_deletion_is_foreseen(home: Project) -> None:
    """Nothing tells the two apart any more, so an entity goes that the deleted memory did not name."""
    say(home, "John_Smith born_in Leeds\nJohn_Smith works_for Acme")
    second = say(home, "John_Smith born_in Boston\nJohn_Smith works_for Globex", day=1)
    say(home, "John_Smith works_for Globex\nJohn_Smith knows Tom", day=2)
    before = graph(home)
    foreseen = services.deletion_preview(second)
    assert graph(home) == before
    assert Memory.objects.filter(pk=second.pk).exists()
    assert services.delete_memory(second) == foreseen
    assert foreseen["entities_removed"] == 2


def test_another_of_the_name_is_another(home: Project) -> None:
    say(home, "Anna works_for Acme")
    say(home, "another Anna works_for Globex", day=1)
    assert names(home) == ["Acme", "Anna", "Anna", "Globex"]


def test_no_two_of_a_series(home: Project) -> None:
    for day, name in enumerate(("Henry_VII", "Henry_VIII", "John_Smith_Jr", "John_Smith")):
        say(home, f"{name} works_for Acme", day=day)
    assert not Review.objects.filter(project=home).exists()
    assert not Merge.objects.filter(project=home).exists()


def test_what_people_call_it_stays(home: Project) -> None:
    memory = say(home, "Bob works_for Acme")
    with transaction.atomic():
        merging.describe(one(home, "Bob"), {"name": "Robert Dylan", "type": "concept", "summary": "A singer."})
    say(home, "Bob works_for Acme", memory)
    row = home.entities.get(name="Robert Dylan")
    assert (row.type, row.summary) == ("concept", "A singer.")
    with transaction.atomic():
        merging.describe(row, {"name": "", "type": ""})
    assert home.entities.get(name="Bob").type == "person"


def test_who_hangs_on_somebody_goes_with_them(home: Project) -> None:
    say(home, "Bob_Dylan works_for Acme\nBob works_for Acme")
    say(home, "Bob knows Tom", day=1)
    with transaction.atomic():
        merging.describe(one(home, "Bob Dylan"), {"name": "Zed Zulu Third"})
    say(home, "Zed_Zulu_Third works_for Globex", day=2)
    assert names(home) == ["Acme", "Globex", "Tom", "Zed Zulu Third"]
    assert facts(home)[0] == "Zed Zulu Third knows Tom"


# --- in whatever order


def test_who_is_left_alone_loses_the_mentions_and_names_of_who_is_gone(owner: User) -> None:
    lived = services.create_project(owner, name="Lived")
    gone = say(lived, "Bill_Smith knows IBM")
    say(lived, "William_Smith knows IBM", day=1)
    assert [(one.name, one.mention_count) for one in lived.entities.filter(type="person")] == [("William Smith", 2)]
    say(lived, "Jon_Smith works_for Acme", gone)
    fresh = services.create_project(owner, name="Fresh")
    for memory in lived.memories.order_by("reference_time"):
        say(fresh, written(memory.content), day=memory.reference_time.timetuple().tm_yday - 1)
    assert graph(lived) == graph(fresh)


PEOPLE = [
    "Anna",
    "Anna_Smith",
    "Anna_Jones",
    "A._Smith",
    "Smith",
    "Bill_Smith",
    "William_Smith",
    "John_Smith",
    "Jon_Smith",
]
OTHERS = ["Acme", "Acme_Corp", "Microsoft", "Microsft", "IBM", "International_Business_Machines"]
lines = st.one_of(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["works_for", "knows"]), st.sampled_from(OTHERS + PEOPLE)).map(
        " ".join
    ),
    st.tuples(st.sampled_from(["John_Smith", "Anna"]), st.sampled_from(["born_at 1950", "born_at 1982"])).map(" ".join),
    st.tuples(st.sampled_from(["John_Smith", "Anna"]), st.sampled_from(["Leeds", "Boston"])).map(" born_in ".join),
    st.just("another Anna knows Bill_Smith"),
)
texts = st.lists(lines, min_size=1, max_size=3).map("\n".join)
steps = st.one_of(
    st.tuples(st.just("say"), texts),
    st.tuples(st.just("say"), texts),
    st.tuples(st.just("edit"), texts),
    st.tuples(st.just("delete"), st.integers(0, 99)),
    st.tuples(st.just("merge"), st.integers(0, 9999)),
    st.tuples(st.just("undo"), st.integers(0, 99)),
    st.tuples(st.just("accept"), st.integers(0, 99)),
    st.tuples(st.just("reject"), st.integers(0, 99)),
    st.tuples(st.just("reopen"), st.integers(0, 99)),
)


def do(project: Project, step: tuple[str, str | int], day: int) -> None:
    kind, what = step
    memories = list(project.memories.order_by("id"))
    if kind == "say":
        say(project, str(what), day=day)
    elif kind == "edit" and memories:
        say(project, str(what), memories[len(str(what)) % len(memories)])
    elif kind == "delete" and memories:
        memory = memories[int(what) % len(memories)]
        foreseen = services.deletion_preview(memory)
        assert services.delete_memory(memory) == foreseen
    else:
        decide(project, kind, int(what) if isinstance(what, int) else 0)


def decide(project: Project, kind: str, what: int) -> None:
    entities = list(project.entities.order_by("key", "bearer"))
    try:
        with transaction.atomic():
            if kind == "merge" and entities:
                pair = entities[what % len(entities)], entities[what // 100 % len(entities)]
                merging.merge(project, *pair, None)
            elif kind == "undo" and (rows := list(Merge.objects.filter(project=project).order_by("id"))):
                merging.undo(rows[what % len(rows)], None)
            elif kind in {"accept", "reject", "reopen"}:
                reviews = list(Review.objects.filter(project=project, kind="merge").order_by("pair"))
                if reviews:
                    getattr(merging, kind)(reviews[what % len(reviews)], None)
    except merging.Refused:
        pass


short = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
courses = given(st.lists(steps, min_size=2, max_size=9), st.randoms(use_true_random=False))


@short
@courses
def test_any_order_ends_in_the_same_graph(
    owner: User, course: list[tuple[str, str | int]], chance: random.Random
) -> None:
    live_and_compare(owner, course, chance)


@pytest.mark.slow
@settings(short, max_examples=100)
@courses
def test_any_of_many_orders_ends_in_the_same_graph(
    owner: User, course: list[tuple[str, str | int]], chance: random.Random
) -> None:
    live_and_compare(owner, course, chance)


def live_and_compare(owner: User, course: list[tuple[str, str | int]], chance: random.Random) -> None:
    lived = services.create_project(owner, name="Lived")
    for day, step in enumerate(course):
        do(lived, step, day)
    fresh = services.create_project(owner, name="Fresh")
    copy_decisions(lived, fresh)
    remaining = list(lived.memories.all())
    chance.shuffle(remaining)
    for memory in remaining:
        lines = memory.content
        say(fresh, written(lines), day=(memory.reference_time.timetuple().tm_yday - 1))
    assert graph(lived) == graph(fresh)


def written(content: str) -> str:
    """The lines as `say` takes them."""
    for name in sorted([*PEOPLE, *OTHERS], key=len, reverse=True):
        content = content.replace(name.replace("_", " "), name)
    for word in ("works for", "born in", "born at"):
        content = content.replace(word, word.replace(" ", "_"))
    return content
