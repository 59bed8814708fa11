"""What people do with a project's types. ValidationError says by field what is wrong, TypeInUse what stands in the way.

A change applies to what is read from then on. Memories that are there keep what was read from them until somebody
reads them again, because reading them all may take hours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Sum

from memories.engine.relations import RELATIONS
from memories.graph import schema as graph_schema
from memories.models import (
    BUILT_IN_ENTITY_TYPES,
    Entity,
    EntityType,
    Fact,
    Project,
    RelationType,
    SchemaType,
    TypeWords,
)
from memories.schema import queries, validation

T = TypeVar("T")
Origin, State = SchemaType.Origin, SchemaType.State
TIMED = ("functional", "symmetric")  # what a fact's time follows from, beside what is said
_MUST_STAY = "is built in and can't be deleted; disable it, and it is not read from memories any more."


class TypeInUse(Exception):
    """The type can't be deleted; the message says what it is used for and what to do."""


def add_built_in(project: Project) -> None:
    """The types that every project begins with."""
    EntityType.objects.bulk_create(
        EntityType(project=project, name=name, origin=Origin.BUILT_IN) for name in BUILT_IN_ENTITY_TYPES
    )
    RelationType.objects.bulk_create(
        RelationType(
            project=project,
            name=name,
            origin=Origin.BUILT_IN,
            functional=relation.rule.functional,
            symmetric=relation.rule.symmetric,
        )
        for name, relation in RELATIONS.items()
    )


def description(row: SchemaType) -> str:
    """The type's own words, or what is known of a built-in relation."""
    known = RELATIONS.get(row.name) if isinstance(row, RelationType) and row.origin == Origin.BUILT_IN else None
    return row.description or (known.description if known else "")


# --- entity types


def create_entity_type(project: Project, values: Mapping[str, Any]) -> EntityType:
    """Makes a type by hand from name, label?, description?, pattern?, words?, noun_phrases?, enabled?."""
    with transaction.atomic():
        _room_for_another(EntityType.objects.filter(project=project))
        row = EntityType(project=project, origin=Origin.MANUAL)
        _checked("name", lambda: validation.check_name(values["name"]))
        row.name = values["name"]
        _insert(row)
        return _write_entity_type(row, values)


def update_entity_type(row: EntityType, values: Mapping[str, Any]) -> EntityType:
    """Changes fields by name, except the name, which entities have."""
    with transaction.atomic():
        locked = EntityType.objects.select_for_update().get(pk=row.pk)
        return _write_entity_type(locked, values)


def _write_entity_type(row: EntityType, values: Mapping[str, Any]) -> EntityType:
    fields = {name: values[name] for name in ("label", "description", "enabled", "noun_phrases") if name in values}
    if "pattern" in values:
        fields["pattern"] = _checked("pattern", lambda: validation.check_pattern(values["pattern"]))
    for name, value in fields.items():
        setattr(row, name, value)
    if "words" in values:
        _set_words(row, values["words"])
    if row.noun_phrases and not TypeWords.objects.filter(entity_type=row).exists():
        raise ValidationError({"words": ["Give the nouns that such phrases end with, like “allergy”."]})
    row.save(update_fields=[*fields] or None)
    return row


def _set_words(row: EntityType, words: Sequence[str]) -> None:
    Project.objects.select_for_update().only("pk").get(pk=row.project_id)  # two lists at once may be too many together
    others = TypeWords.objects.filter(entity_type__project=row.project_id).exclude(entity_type=row)
    taken = others.aggregate(n=Sum("count"))["n"] or 0
    found = _checked("words", lambda: validation.check_words(words, room=validation.MAX_NAMES - taken))
    _refuse_listed_elsewhere(found, others)
    text = "\n".join(found)
    TypeWords.objects.filter(entity_type=row).delete()
    if found:
        digest = hashlib.sha256(text.encode()).hexdigest()
        TypeWords.objects.create(entity_type=row, names=text, count=len(found), digest=digest)


def _refuse_listed_elsewhere(names: Sequence[str], others: QuerySet[TypeWords]) -> None:
    """A name has one type: what would be found is not left to the alphabet."""
    wanted = set(names)
    for other in others.select_related("entity_type").iterator(chunk_size=1):
        if both := sorted(wanted.intersection(other.names.split("\n"))):
            shown = ", ".join(f"“{name}”" for name in both[: validation.SHOWN])
            raise ValidationError(
                {"words": [f"{shown}: the type {other.entity_type} lists that already ({len(both):,} in all)."]}
            )


def delete_entity_type(row: EntityType) -> None:
    """TypeInUse while entities have the type, a relation is limited to it, or when it is built in.

    Giving its entities another type would last until their memories are read again: what a memory says decides.
    """
    if row.origin == Origin.BUILT_IN:
        raise TypeInUse(f"The type {row.name} {_MUST_STAY}")
    with transaction.atomic():
        used = Entity.objects.filter(project=row.project_id, type=row.name).count()
        if used:
            raise TypeInUse(
                f"{used:,} entities are of the type {row.name}. Disable it and read the memories that mention them "
                "again; then it can be deleted."
            )
        for relation in RelationType.objects.filter(project=row.project_id).exclude(subject_types="", object_types=""):
            if row.name in (*relation.subject_types.split(), *relation.object_types.split()):
                raise TypeInUse(f"The relation {relation.name} is limited to {row.name}; take it out there first.")
        row.delete()


# --- relation types


def create_relation_type(project: Project, values: Mapping[str, Any]) -> RelationType:
    """Makes a relation by hand; one that is proposed under this name becomes it."""
    with transaction.atomic():
        _checked("name", lambda: validation.check_name(values["name"]))
        _room_for_another(RelationType.objects.filter(project=project))
        waiting = RelationType.objects.filter(project=project, name=values["name"], state=State.PROPOSED)
        waiting.delete()
        row = RelationType(project=project, name=values["name"], origin=Origin.MANUAL)
        _insert(row)
        return _write_relation_type(row, values)


def update_relation_type(row: RelationType, values: Mapping[str, Any]) -> RelationType:
    """Changes fields by name, except the name, which facts have. With those of TIMED its facts are derived anew at
    once: which of them are over follows from these, and not from another reading."""
    with transaction.atomic():
        Project.objects.select_for_update().only("pk").get(pk=row.project_id)  # as a worker does, before its relations
        locked = RelationType.objects.select_for_update(of=("self",)).select_related("project").get(pk=row.pk)
        return _write_relation_type(locked, values)


def _write_relation_type(row: RelationType, values: Mapping[str, Any]) -> RelationType:
    plain = ("label", "description", "enabled", "functional", "symmetric")
    fields = {name: values[name] for name in plain if name in values}
    for name in ("subject_types", "object_types"):
        if name in values:
            fields[name] = " ".join(_pair(row, name, values[name]))
    if "phrases" in values:
        fields["phrases"] = "\n".join(_phrases(row, values["phrases"]))
    changes_time = any(fields.get(name, getattr(row, name)) != getattr(row, name) for name in TIMED)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=[*fields] or None)
    if changes_time:
        graph_schema.retime(row.project, row.name)
    return row


def _pair(row: RelationType, field: str, names: Sequence[str]) -> list[str]:
    known = queries.type_names(row.project)
    return _checked(field, lambda: validation.check_types(names, known))


def _phrases(row: RelationType, phrases: Sequence[str]) -> list[str]:
    """Phrases that no other relation of the project has."""
    found = _checked("phrases", lambda: validation.check_phrases(phrases))
    keys = {validation.phrase_key(phrase): phrase for phrase in found}
    others = RelationType.objects.filter(project=row.project_id).exclude(pk=row.pk).exclude(phrases="")
    for other in others:
        for phrase in other.phrases.split("\n"):
            if taken := keys.get(validation.phrase_key(phrase)):
                raise ValidationError({"phrases": [f"“{taken}” says {other.name} already."]})
    return found


def accept(row: RelationType) -> RelationType:
    """Makes a proposed or rejected relation part of the schema."""
    return _decide(row, State.ACCEPTED)


def reject(row: RelationType) -> RelationType:
    """It is not proposed again, and not read from memories any more. Facts that are there stay."""
    return _decide(row, State.REJECTED)


def _decide(row: RelationType, state: SchemaType.State) -> RelationType:
    if row.origin != Origin.LEARNED:
        raise TypeInUse(f"The relation {row.name} was not proposed; disable it if it is not wanted.")
    RelationType.objects.filter(pk=row.pk).update(state=state)
    row.state = state
    return row


def delete_relation_type(row: RelationType) -> None:
    """TypeInUse while facts have the relation, or when it is built in."""
    if row.origin == Origin.BUILT_IN:
        raise TypeInUse(f"The relation {row.name} {_MUST_STAY}")
    with transaction.atomic():
        used = Fact.objects.filter(project=row.project_id, predicate=row.name).count()
        if used:
            raise TypeInUse(
                f"{used:,} facts have the relation {row.name}. Disable or reject it and read the memories that say "
                "them again; then it can be deleted."
            )
        row.delete()


# --- both


def _room_for_another(types: QuerySet[Any]) -> None:
    made = types.filter(origin=Origin.MANUAL).count()
    if made >= validation.MAX_TYPES:
        raise ValidationError({"name": [f"A project may have {validation.MAX_TYPES} types of its own; delete some."]})


def _insert(row: SchemaType) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise ValidationError({"name": [f"The project has a type “{row.name}” already."]}) from None


def _checked(field: str, check: Callable[[], T]) -> T:
    """What the check returns; its ValidationError under the field's name."""
    try:
        return check()
    except ValidationError as error:
        raise ValidationError({field: error.messages}) from None
