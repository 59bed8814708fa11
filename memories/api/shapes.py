"""What the API answers with, as the contract gives it: read only, from rows that `memories.queries` has joined."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from memories import queries
from memories.api.fields import Metadata, Moment
from memories.models import ApiKey, Community, Entity, Fact, Membership, Memory, Mention, Passage, Project
from tasks_app.models import Status


class NullableText(serializers.CharField):
    """A text that the database keeps as "" and the API gives as null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) or None


class ProjectShape(serializers.ModelSerializer[Project]):
    role = serializers.ChoiceField(choices=Membership.Role.choices, read_only=True, help_text="Your own.")
    created_at = Moment(read_only=True)
    updated_at = Moment(read_only=True)

    class Meta:
        model = Project
        fields = ["id", "name", "description", "role", "created_at", "updated_at"]
        read_only_fields = fields


class ProjectStats(serializers.Serializer[dict[str, Any]]):
    memories = serializers.IntegerField()
    memories_by_status = serializers.DictField(child=serializers.IntegerField())
    passages = serializers.IntegerField()
    entities = serializers.IntegerField()
    entities_by_type = serializers.DictField(child=serializers.IntegerField())
    mentions = serializers.IntegerField()
    facts = serializers.IntegerField()
    current_facts = serializers.IntegerField()
    communities = serializers.IntegerField()
    last_memory_at = Moment(allow_null=True)
    last_rebuild_at = Moment(allow_null=True)


class MemberShape(serializers.ModelSerializer[Membership]):
    user_id = serializers.IntegerField(read_only=True)
    username = serializers.CharField(source="user.username", read_only=True)
    created_at = Moment(read_only=True)

    class Meta:
        model = Membership
        fields = ["user_id", "username", "role", "created_at"]
        read_only_fields = fields


class PassageShape(serializers.ModelSerializer[Passage]):
    message_id = NullableText()
    speaker = NullableText()
    at = Moment(allow_null=True)

    class Meta:
        model = Passage
        fields = ["id", "message_id", "speaker", "at", "text", "start", "end", "page", "seconds"]
        read_only_fields = fields


class EntityName(serializers.ModelSerializer[Entity]):
    class Meta:
        model = Entity
        fields = ["id", "name", "type"]
        read_only_fields = fields


class SupportShape(serializers.Serializer[Any]):
    memory = serializers.UUIDField(source="memory_id")
    passage = serializers.UUIDField(source="passage_id")
    start = serializers.IntegerField()
    end = serializers.IntegerField()


class FactShape(serializers.ModelSerializer[Fact]):
    subject = EntityName(read_only=True)
    object = EntityName(read_only=True, allow_null=True)
    valid_at = Moment(allow_null=True)
    invalid_at = Moment(allow_null=True)
    created_at = Moment(read_only=True)
    expired_at = Moment(allow_null=True)
    support = SupportShape(many=True, read_only=True)

    class Meta:
        model = Fact
        fields = [
            "id", "subject", "predicate", "object", "value", "sentence", "valid_at", "invalid_at", "valid_precision",
            "created_at", "expired_at", "polarity", "confidence", "extractor", "support",
        ]  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: Fact) -> dict[str, Any]:
        if getattr(instance, "believed_then", None):
            instance.valid_at, instance.invalid_at, instance.valid_precision = queries.as_believed(instance)
        return super().to_representation(instance)


class MentionShape(serializers.ModelSerializer[Mention]):
    passage = serializers.UUIDField(source="passage_id")

    class Meta:
        model = Mention
        fields = ["text", "kind", "passage", "start", "end"]
        read_only_fields = fields


class MentionedEntity(serializers.Serializer[queries.EntityMentions]):
    id = serializers.UUIDField(source="entity.id")
    name = serializers.CharField(source="entity.name")
    type = serializers.CharField(source="entity.type")
    mentions = MentionShape(many=True)


class MemoryRow(serializers.ModelSerializer[Memory]):
    """A memory in a list, or as it was just saved. `excerpt` is how its content begins."""

    project = serializers.UUIDField(source="project_id", read_only=True)
    reference_time = Moment(read_only=True)
    tags = serializers.SerializerMethodField()
    metadata = Metadata(read_only=True)
    external_id = NullableText(read_only=True)
    source_url = NullableText(read_only=True)
    excerpt = serializers.SerializerMethodField()
    processing_status = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    task_id = serializers.UUIDField(read_only=True, allow_null=True)
    created_at = Moment(read_only=True)
    updated_at = Moment(read_only=True)

    class Meta:
        model = Memory
        fields = [
            "id", "project", "title", "content_type", "excerpt", "reference_time", "tags", "metadata", "external_id",
            "source_url", "processing_status", "progress", "task_id", "created_at", "updated_at", "summary",
        ]  # fmt: skip
        read_only_fields = fields

    def get_excerpt(self, memory: Memory) -> str:
        annotated: str | None = getattr(memory, "excerpt", None)
        return memory.content[: queries.EXCERPT] if annotated is None else annotated

    def get_tags(self, memory: Memory) -> list[str]:
        return [tag.name for tag in memory.memory_tags.all()]

    @extend_schema_field(serializers.ChoiceField(choices=Status.choices))
    def get_processing_status(self, memory: Memory) -> str:
        return queries.processing_status(memory)

    def get_progress(self, memory: Memory) -> int:
        return queries.progress(memory)


class MemoryContent(MemoryRow):
    """A memory with all of its text."""

    excerpt = None  # type: ignore[assignment]

    class Meta(MemoryRow.Meta):
        fields = ["content" if name == "excerpt" else name for name in MemoryRow.Meta.fields]
        read_only_fields = fields


class Found(serializers.Serializer[queries.MemoryDetail]):
    passages = PassageShape(many=True)
    entities = MentionedEntity(many=True)
    facts = FactShape(many=True)


class MemoryShape(Found, MemoryContent):
    """One memory with what was found in it."""

    class Meta(MemoryContent.Meta):
        fields = [*MemoryContent.Meta.fields, "passages", "entities", "facts"]
        read_only_fields = fields


def one_memory(detail: queries.MemoryDetail) -> dict[str, Any]:
    """A MemoryShape."""
    return {**MemoryContent(detail.memory).data, **Found(detail).data}


class EntityShape(serializers.ModelSerializer[Entity]):
    aliases = serializers.SerializerMethodField()
    community = serializers.SerializerMethodField(help_text="The id of its community, null while it is in none.")
    first_seen_at = Moment(allow_null=True)
    last_seen_at = Moment(allow_null=True)

    class Meta:
        model = Entity
        fields = [
            "id", "project", "name", "type", "aliases", "summary", "community", "fact_count", "mention_count",
            "first_seen_at", "last_seen_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_aliases(self, entity: Entity) -> list[str]:
        return queries.aliases(entity)

    def get_community(self, entity: Entity) -> UUID | None:
        community = queries.community_of(entity)
        return community.pk if community else None


class SummarySentence(serializers.Serializer[dict[str, Any]]):
    text = serializers.CharField()
    memory = serializers.UUIDField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()


class CommunityShape(serializers.ModelSerializer[Community]):
    summary = SummarySentence(many=True, read_only=True)
    formed_at = Moment(read_only=True)
    rebuilt_at = Moment(read_only=True)

    class Meta:
        model = Community
        fields = ["id", "project", "name", "summary", "member_count", "parent", "formed_at", "rebuilt_at"]
        read_only_fields = fields


class TaskStarted(serializers.Serializer[Any]):
    """The task that does the work; watch it at `tasks/{id}/stream`."""

    task_id = serializers.UUIDField()


class ApiKeyShape(serializers.ModelSerializer[ApiKey]):
    created_at = Moment(read_only=True)
    last_used_at = Moment(read_only=True, allow_null=True)

    class Meta:
        model = ApiKey
        fields = ["id", "name", "prefix", "created_at", "last_used_at"]
        read_only_fields = fields


class NewApiKey(ApiKeyShape):
    key = serializers.CharField(read_only=True, help_text="Shown this once; only its SHA-256 is kept.")

    class Meta(ApiKeyShape.Meta):
        fields = [*ApiKeyShape.Meta.fields, "key"]
        read_only_fields = fields
