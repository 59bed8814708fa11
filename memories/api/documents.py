"""Articles and files in the API: what it takes, and how it tells of the document behind a memory."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from memories.api.fields import Id, Moment, Text
from memories.api.inputs import MAX_TAGS, Tags
from memories.models import SavedDocument
from memories.saving import ADDRESS_LENGTH


class ArticleInput(serializers.Serializer[Any]):
    """An address of a page, a document or a recording."""

    project = Id()
    url = Text(max_length=ADDRESS_LENGTH, help_text="Begins with https:// or http://.")
    tags = Tags(required=False)


class FileInput(serializers.Serializer[Any]):
    """Multipart: a text, Markdown, HTML, PDF, Word (docx), or a recording (wav, mp3, m4a, mp4, ogg, flac)."""

    project = Id()
    file = serializers.FileField(allow_empty_file=True)
    tags = serializers.ListField(
        child=Text(max_length=100), required=False, max_length=MAX_TAGS, help_text="Once for each tag."
    )


class CitedSentence(serializers.Serializer[dict[str, Any]]):
    """A sentence of the summary; `start` and `end` are its place in the memory's content."""

    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()


class BlockShape(serializers.Serializer[dict[str, Any]]):
    """A heading, paragraph, list item, quote, piece of code, table row or picture's caption in the content."""

    kind = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    level = serializers.IntegerField(help_text="Of a heading, 1 to 6; of a list item its depth from 1; otherwise 0.")


class SectionShape(serializers.Serializer[dict[str, Any]]):
    """A page of a PDF, or a part of a recording with its seconds."""

    start = serializers.IntegerField()
    end = serializers.IntegerField()
    page = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    until = serializers.FloatField(allow_null=True)


class Nullable(serializers.CharField):
    """A text that the database keeps as "" and the API gives as null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) or None


class DocumentShape(serializers.ModelSerializer[SavedDocument]):
    """The page, document or recording that a memory's text was taken from. Until it was read, most of it is null."""

    url = Nullable(help_text="Where the address led to.")
    canonical_url = Nullable()
    media_type = Nullable()
    file_name = Nullable()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = Nullable()
    has_file = serializers.SerializerMethodField(help_text="Whether `memories/{id}/media` has it.")
    site = Nullable()
    author = Nullable()
    language = Nullable()
    image_url = Nullable()
    published_at = Moment(allow_null=True)
    fetched_at = Moment(allow_null=True)
    duration_seconds = serializers.FloatField(allow_null=True)
    summary = CitedSentence(many=True)
    key_phrases = serializers.ListField(child=serializers.CharField())
    notes = serializers.ListField(child=serializers.CharField(), help_text="Sentences on what could not be read.")
    blocks = BlockShape(many=True)
    sections = SectionShape(many=True)

    class Meta:
        model = SavedDocument
        fields = [
            "origin", "url", "canonical_url", "media_type", "file_name", "size", "sha256", "has_file", "site", "author",
            "language", "image_url", "published_at", "fetched_at", "duration_seconds", "reading_minutes", "summary",
            "key_phrases", "notes", "blocks", "sections",
        ]  # fmt: skip
        read_only_fields = fields

    def get_has_file(self, document: SavedDocument) -> bool:
        return bool(document.file)
