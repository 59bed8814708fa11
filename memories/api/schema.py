"""What the API takes and gives of a project's types."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from memories.api.base import ScopeParameters
from memories.api.fields import Id, Moment, Text
from memories.models import EntityType, RelationType, SchemaType
from memories.schema import queries, services

MOST_TEXT = 10_000


class TypeParameters(ScopeParameters):
    origin = serializers.ChoiceField(required=False, choices=SchemaType.Origin.choices)
    state = serializers.ChoiceField(required=False, choices=SchemaType.State.choices)


class Flag(serializers.BooleanField):
    """true or false and nothing that looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@extend_schema_field(serializers.ListField(child=serializers.CharField()))
class Words(serializers.Field[list[str], Any, Any, Any]):
    """A list of texts, whose number and content the service checks."""

    default_error_messages = {"invalid": "Give a list of texts."}

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(word, str) for word in data):
            self.fail("invalid")
        return data


class TypeFields(serializers.Serializer[Any]):
    label = Text(  # type: ignore[assignment]  # hides the label that a field of a form has
        required=False, allow_blank=True, max_length=100
    )
    description = Text(required=False, allow_blank=True, max_length=MOST_TEXT)
    enabled = Flag(required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and "name" in data and "name" not in self.fields:
            raise serializers.ValidationError({"name": ["The graph uses the name, so it stays; change the label."]})
        values: dict[str, Any] = super().to_internal_value(data)
        return values


class EntityTypeChanges(TypeFields):
    pattern = Text(required=False, allow_blank=True, help_text="RE2 syntax; a group called `name` is the entity.")
    words = Words(required=False, help_text="Names; those in small letters are found in any case.")
    noun_phrases = Flag(required=False, help_text="The words are nouns: “allergy” finds “peanut allergy”.")


class EntityTypeInput(EntityTypeChanges):
    project = Id()
    name = Text(max_length=64)


class RelationTypeChanges(TypeFields):
    functional = Flag(required=False, help_text="A subject has one object at a time.")
    symmetric = Flag(required=False, help_text="It holds in both directions.")
    subject_types = Words(required=False, help_text="Entity types; none means any.")
    object_types = Words(required=False, help_text="Entity types; none means any.")
    phrases = Words(required=False, help_text="Verbs or nouns that say it: “look after”.")


class RelationTypeInput(RelationTypeChanges):
    project = Id()
    name = Text(max_length=64)


class TypeShape(serializers.ModelSerializer[Any]):
    description = serializers.SerializerMethodField()
    used = serializers.IntegerField(help_text="Entities of the type, or facts of the relation.")
    created_at = Moment(read_only=True)

    def get_description(self, row: SchemaType) -> str:
        return services.description(row)


class EntityTypeRow(TypeShape):
    word_count = serializers.IntegerField()

    class Meta:
        model = EntityType
        fields = [
            "id", "project", "name", "label", "description", "origin", "state", "enabled", "pattern", "noun_phrases",
            "word_count", "used", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class EntityTypeShape(EntityTypeRow):
    """One type, with the names it lists."""

    words = serializers.SerializerMethodField()

    class Meta(EntityTypeRow.Meta):
        fields = [*EntityTypeRow.Meta.fields, "words"]
        read_only_fields = fields

    def get_words(self, row: EntityType) -> list[str]:
        return queries.words(row)


class RelationTypeShape(TypeShape):
    subject_types = serializers.SerializerMethodField()
    object_types = serializers.SerializerMethodField()
    phrases = serializers.SerializerMethodField()
    example = serializers.CharField(allow_null=True, help_text="A sentence that says it.")

    class Meta:
        model = RelationType
        fields = [
            "id", "project", "name", "label", "description", "origin", "state", "enabled", "functional", "symmetric",
            "subject_types", "object_types", "phrases", "used", "example", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_subject_types(self, row: RelationType) -> list[str]:
        return row.subject_types.split()

    def get_object_types(self, row: RelationType) -> list[str]:
        return row.object_types.split()

    def get_phrases(self, row: RelationType) -> list[str]:
        return [phrase for phrase in row.phrases.split("\n") if phrase]
