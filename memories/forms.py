"""The pages' forms. They hand the services what `memories.validation` has checked."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from memories.engine.types import Message
from memories.models import ApiKey, Entity, Membership, Memory, Project
from memories.validation import NewMemory, check_characters, check_content

LINE_OF_SPEAKER = re.compile(r"\s*([^:\s][^:]{0,99}?)\s*:(?:\s+|$)(.*)")
TAG_LENGTH = 100
MOMENT_FORMAT = "%Y-%m-%dT%H:%M"


def valid_characters(value: str) -> None:
    """`check_characters` as a form's validator."""
    check_characters(value)


def parse_tags(text: str) -> list[str]:
    """Tags parted by commas, each once; ValidationError for one that is too long."""
    tags = list(dict.fromkeys(tag.strip() for tag in check_characters(text).split(",") if tag.strip()))
    for tag in tags:
        if len(tag) > TAG_LENGTH:
            raise ValidationError(f"A tag may have {TAG_LENGTH} characters; “{tag[:20]}…” has {len(tag)}.")
    return tags


def parse_conversation(text: str) -> list[Message]:
    """Messages from lines `speaker: text`; a line without a speaker goes on with the message before it."""
    found: list[tuple[str, list[str]]] = []
    for number, line in enumerate(check_content(text).splitlines(), start=1):
        match = LINE_OF_SPEAKER.fullmatch(line)
        if match:
            found.append((match[1], [match[2]]))
        elif found:
            found[-1][1].append(line)
        elif line.strip():
            raise ValidationError(f"Line {number} does not say who speaks; begin it with a name and a colon.")
    messages = [Message(speaker, "\n".join(lines).strip()) for speaker, lines in found]
    for message in messages:
        if not message.content:
            raise ValidationError(f"A message of {message.speaker} has no text.")
    return messages


class TagsField(forms.CharField):
    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]  # a field may give what it likes
        return parse_tags(super().to_python(value) or "")

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class EntityForm(forms.Form):
    """What people call an entity, and what it is."""

    name = forms.CharField(
        required=False, max_length=500, validators=[valid_characters], help_text="Empty: as the memories call it."
    )
    type = forms.ChoiceField(required=False, help_text="Empty: as most memories have it.")
    summary = forms.CharField(
        required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 4}), validators=[valid_characters]
    )

    def __init__(self, data: Any = None, *, entity: Entity) -> None:
        given = {"name": entity.given_name, "type": entity.given_type, "summary": entity.summary}
        super().__init__(data, initial=given)
        types = entity.project.entity_types.order_by("name").values_list("name", flat=True)
        choices = [("", "Leave it to the memories"), *((name, name.replace("_", " ")) for name in types)]
        self.fields["type"].choices = choices  # type: ignore[attr-defined]


class MemoryForm(forms.Form):
    """A new memory: a text, or a conversation as lines `speaker: text`."""

    KINDS = ((Memory.ContentType.TEXT.value, "Text"), (Memory.ContentType.CONVERSATION.value, "Conversation"))

    content_type = forms.ChoiceField(choices=KINDS, initial="text", widget=forms.RadioSelect, label="Kind")
    text = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "tall"}),
        help_text="Notes, a letter, a report. Blank lines part paragraphs.",
    )
    conversation = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "tall", "placeholder": "Ada: I moved to Lisbon in May."}),
        help_text="One message a line, with its speaker before a colon. Lines without a speaker go on with the last.",
    )
    title = forms.CharField(required=False, max_length=500, validators=[valid_characters])
    tags = TagsField(required=False, max_length=2000, help_text="Parted by commas.")
    reference_time = forms.DateTimeField(
        required=False,
        label="Date",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT_FORMAT),
        help_text="When it was said or written, in UTC: “last week” counts from here. Empty means now.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data.get("content_type")
        if kind not in ("text", "conversation"):
            return data
        data |= {name: data.get(name, "").replace("\r\n", "\n") for name in ("text", "conversation")}
        try:
            data["messages"] = parse_conversation(data["conversation"]) if kind == "conversation" else []
            data["content"] = check_content(data["text"]) if kind == "text" else ""
        except ValidationError as error:
            self.add_error("conversation" if kind == "conversation" else "text", error)
        return data

    def new_memory(self) -> NewMemory:
        """What the service saves; call it on a valid form."""
        data = self.cleaned_data
        return NewMemory(
            content=data["content"],
            messages=tuple(data["messages"]),
            content_type=data["content_type"],
            title=data["title"],
            tags=data["tags"],
            reference_time=data["reference_time"],
        )


class MemoryEditForm(forms.Form):
    """Title and tags: what may change without reading the memory again."""

    title = forms.CharField(required=False, max_length=500, validators=[valid_characters])
    tags = TagsField(required=False, max_length=2000, help_text="Parted by commas.")


class ProjectForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = Project
        fields = ["name", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}

    def clean_name(self) -> str:
        return check_characters(self.cleaned_data["name"])

    def clean_description(self) -> str:
        return check_characters(self.cleaned_data["description"])


class ProjectDeleteForm(forms.Form):
    """Asks for the project's name, so that no click alone deletes it."""

    name = forms.CharField(label="Type the project's name", widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project

    def clean_name(self) -> str:
        if self.cleaned_data["name"].strip() != self.project.name.strip():
            raise ValidationError("This is not the project's name. Nothing was deleted.")
        return str(self.cleaned_data["name"])


class MemberForm(forms.Form):
    username = forms.CharField(max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(choices=Membership.Role.choices, initial=Membership.Role.VIEWER)


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = ApiKey
        fields = ["name"]
        help_texts = {"name": "What uses the key, like “my agent”."}


class SearchForm(forms.Form):
    """The search page's form; all of it stands in the URL."""

    KINDS = (("passage", "Passages"), ("fact", "Facts"), ("entity", "Entities"), ("community", "Communities"))

    q = forms.CharField(
        required=False, max_length=1000, label="Search for", widget=forms.TextInput(attrs={"type": "search"})
    )
    kind = forms.MultipleChoiceField(required=False, choices=KINDS, widget=forms.CheckboxSelectMultiple, label="Kinds")
    as_of = forms.DateField(
        required=False,
        label="As of",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="What was true that day.",
    )

    def clean_q(self) -> str:
        return check_characters(self.cleaned_data["q"]).strip()


class FeedPeriodForm(forms.Form):
    """How often a feed is fetched."""

    PERIODS = (
        (900, "every 15 minutes"),
        (3600, "every hour"),
        (6 * 3600, "every 6 hours"),
        (24 * 3600, "every day"),
        (7 * 24 * 3600, "every week"),
    )

    every_seconds = forms.TypedChoiceField(choices=PERIODS, coerce=int, initial=3600, label="Fetched")

    def every(self) -> int:
        return int(self.cleaned_data["every_seconds"])

    def words(self) -> str:
        return dict(self.PERIODS)[self.every()]


class FeedForm(FeedPeriodForm):
    url = forms.CharField(
        max_length=2000,
        label="Address",
        widget=forms.URLInput(attrs={"placeholder": "https://blog.example/feed", "autocomplete": "off"}),
        help_text="Of an RSS or Atom feed or a podcast, or of a page that names its feed.",
    )
    field_order = ("url", "every_seconds")
