"""What the API takes. Every field says its own error; nothing is turned into another type."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from memories.api.fields import Content, DayOrMoment, Id, Metadata, Moment, Text
from memories.engine.passages import render_conversation
from memories.engine.types import Message
from memories.models import Membership, Memory
from memories.validation import NewMemory, check_content

MAX_MESSAGES = 10_000
MAX_TAGS = 100
SHOWN_ERRORS = 20


class ProjectInput(serializers.Serializer[Any]):
    name = Text(max_length=200)
    description = Text(required=False, allow_blank=True, max_length=10_000)


class MemberInput(serializers.Serializer[Any]):
    username = Text(max_length=150)
    role = serializers.ChoiceField(choices=Membership.Role.choices)


class RoleInput(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Membership.Role.choices)


class ApiKeyInput(serializers.Serializer[Any]):
    name = Text(max_length=100)


class MessageInput(serializers.Serializer[Any]):
    """One message of a conversation."""

    id = Text(required=False, allow_null=True, max_length=255)
    speaker = Text(max_length=255)
    content = Text(allow_blank=True, trim_whitespace=False)
    at = Moment(required=False, allow_null=True)

    def validate_speaker(self, speaker: str) -> str:
        if len(speaker.splitlines()) > 1:
            raise serializers.ValidationError("A speaker's name stands on one line.")
        return speaker


@extend_schema_field(MessageInput(many=True))
class Messages(serializers.Field[tuple[Message, ...], Any, Any, Any]):
    """The messages of a conversation, checked as a whole, so that ten thousand of them take a second at most."""

    default_error_messages = {
        "invalid": "Give a list of messages.",
        "empty": "There is no text; send at least one message with a word in it.",
        "many": f"A conversation may have {MAX_MESSAGES:,} messages; save it as several.",
    }

    def to_internal_value(self, data: Any) -> tuple[Message, ...]:
        if not isinstance(data, list):
            self.fail("invalid")
        if len(data) > MAX_MESSAGES:
            self.fail("many")
        messages = tuple(_messages(data))
        if not any(message.content.strip() for message in messages):
            self.fail("empty")
        try:
            check_content(render_conversation(messages))
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages) from None
        return messages


def _messages(data: Sequence[Any]) -> list[Message]:
    one, found, errors = MessageInput(), [], dict[str, Any]()
    for index, item in enumerate(data):
        try:
            found.append(Message(**one.run_validation(item)))
        except serializers.ValidationError as error:
            errors[str(index)] = error.detail
            if len(errors) >= SHOWN_ERRORS:
                break
    if errors:
        raise serializers.ValidationError(errors)
    return found


@extend_schema_field(serializers.ListField(child=serializers.CharField(max_length=100)))
class Tags(serializers.Field[list[str], Any, Any, Any]):
    """Words, each once."""

    default_error_messages = {"invalid": "Give a list of words.", "many": f"A memory may have {MAX_TAGS} tags."}

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list):
            self.fail("invalid")
        if len(data) > MAX_TAGS:
            self.fail("many")
        one = Text(max_length=100)
        return list(dict.fromkeys(one.run_validation(tag) for tag in data))


class MemoryFields(serializers.Serializer[Any]):
    """A memory's own fields: either `content` or `messages`."""

    content = Content(required=False)
    messages = Messages(required=False)
    title = Text(required=False, allow_blank=True, max_length=500)
    content_type = serializers.ChoiceField(required=False, choices=Memory.ContentType.choices)
    reference_time = Moment(required=False)
    tags = Tags(required=False)
    metadata = Metadata(required=False)
    external_id = Text(required=False, allow_blank=True, max_length=255)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and data.get("content") is not None and data.get("messages") is not None:
            only = "Give either content or messages, not both."
            raise serializers.ValidationError({"content": [only], "messages": [only]})
        if isinstance(data, dict):
            data = {name: value for name, value in data.items() if value is not None or name not in NULLABLE}
        values: dict[str, Any] = super().to_internal_value(data)
        _check_type(values)
        return values


NULLABLE = {"content", "messages", "title", "reference_time", "tags", "metadata", "external_id"}


def _check_type(values: dict[str, Any]) -> None:
    content_type = values.get("content_type")
    if "messages" in values and content_type not in {None, "conversation"}:
        raise serializers.ValidationError({"content_type": ["Messages make a conversation."]})
    if content_type == "json" and "content" in values:
        try:
            json.loads(values["content"])
        except (ValueError, RecursionError):
            raise serializers.ValidationError({"content": ["This is not JSON, which content_type says."]}) from None


class MemoryItem(MemoryFields):
    """A memory as it is handed in."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        if "content" not in values and "messages" not in values:
            missing = "Give content, a text, or messages, a conversation."
            raise serializers.ValidationError({"content": [missing], "messages": [missing]})
        return values


class MemoryInput(MemoryItem):
    project = Id()


class MemoryChanges(MemoryFields):
    """What to change; a content type comes with the content it is of."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        if "content_type" in values and not values.keys() & {"content", "messages"}:
            raise serializers.ValidationError({"content_type": ["Send the content along with its type."]})
        return values


def new_memory(values: dict[str, Any]) -> NewMemory:
    """What `MemoryItem` has checked, as services take it."""
    values = {name: value for name, value in values.items() if name != "project"}
    return NewMemory(**{"content_type": "conversation" if "messages" in values else "text", **values})


class ImportInput(serializers.Serializer[Any]):
    """JSON: the project and its new memories. Those that are not valid are reported, the others imported."""

    project = Id()
    memories = MemoryItem(many=True)


class ImportFile(serializers.Serializer[Any]):
    """Multipart: a file of JSON Lines, a JSON array, a text, or a zip archive of such files."""

    project = Id()
    file = serializers.FileField(allow_empty_file=True)


class InvalidateInput(serializers.Serializer[Any]):
    at = DayOrMoment(required=False, help_text="When it ended; a bare date is the end of that day. Else now.")
    wrong = serializers.BooleanField(required=False, help_text="It never was so; `at` is not given then.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("wrong") and "at" in attrs:
            raise serializers.ValidationError({"at": ["What never was so has no end. Leave out one of the two."]})
        return attrs


class RebuildInput(serializers.Serializer[Any]):
    project = Id()
