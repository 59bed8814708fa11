"""The forms of a project's types. The services check what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from memories.forms import valid_characters
from memories.models import EntityType, RelationType
from memories.schema import services, validation
from memories.schema.trying import MOST

MOST_SHOWN = 5_000  # names in a text area; a longer list is changed by the API


class Lines(forms.CharField):
    """Texts, one a line; empty lines are nothing."""

    def __init__(self, rows: int, **options: Any) -> None:
        super().__init__(required=False, strip=False, widget=forms.Textarea(attrs={"rows": rows}), **options)

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]  # a field may give what it likes
        return [line for line in (super().to_python(value) or "").splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


class TypeForm(forms.Form):
    """What both kinds of types have. Of a type that is there the name stays."""

    name = forms.CharField(
        max_length=64,
        help_text="As it stands in the graph, like cares_for. It can't be changed later.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    label = forms.CharField(
        required=False, max_length=100, validators=[valid_characters], help_text="How the schema shows it."
    )
    description = forms.CharField(
        required=False, max_length=10_000, validators=[valid_characters], widget=forms.Textarea(attrs={"rows": 2})
    )
    enabled = forms.BooleanField(
        required=False, initial=True, label="Read from memories", help_text="Off: it is left out of what is read."
    )

    def __init__(self, row: EntityType | RelationType | None, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if row is not None:
            del self.fields["name"]

    def clean_name(self) -> str:
        return validation.check_name(self.cleaned_data["name"])


class EntityTypeForm(TypeForm):
    pattern = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
        help_text=r"RE2 syntax, like \bINV-\d{4}\b. A group (?P<name>…) marks the entity in what fits.",
    )
    words = Lines(
        6,
        label="Names",
        help_text="One a line. Names in small letters are found in any case, those with a capital as they are written.",
    )
    noun_phrases = forms.BooleanField(
        required=False,
        label="The names are nouns",
        help_text="Phrases that end with one are entities: “allergy” finds “peanut allergy”. English only.",
    )
    sample = forms.CharField(
        required=False,
        strip=False,
        max_length=MOST,
        label="Text to try them on",
        validators=[valid_characters],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It is not saved.",
    )

    def __init__(self, row: EntityType | None, *args: Any, shows_words: bool = True, **options: Any) -> None:
        super().__init__(row, *args, **options)
        if not shows_words:
            del self.fields["words"]

    def clean_pattern(self) -> str:
        return validation.check_pattern(self.cleaned_data["pattern"])

    def clean_words(self) -> list[str]:
        return validation.check_words(self.cleaned_data["words"])

    def values(self) -> dict[str, Any]:
        """What the services take; call it on a valid form."""
        return {name: value for name, value in self.cleaned_data.items() if name != "sample"}


class RelationTypeForm(TypeForm):
    functional = forms.BooleanField(
        required=False,
        label="One at a time",
        help_text="A subject has one object at a time: who lives in Rome now does not live in Oslo any more.",
    )
    symmetric = forms.BooleanField(
        required=False, label="In both directions", help_text="Who is a sibling has a sibling."
    )
    phrases = Lines(
        3,
        label="Said as",
        help_text="Verbs or nouns in English, one a line, with their preposition: look after, mentor of.",
    )
    subject_types = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label="Between", help_text="None means any."
    )
    object_types = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label="And", help_text="None means any."
    )

    def __init__(self, row: RelationType | None, types: Sequence[str], *args: Any, **options: Any) -> None:
        super().__init__(row, *args, **options)
        for name in ("subject_types", "object_types"):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - for the type checker
            field.choices = [(one, one.replace("_", " ")) for one in types]

    def clean_phrases(self) -> list[str]:
        return validation.check_phrases(self.cleaned_data["phrases"])

    def values(self) -> dict[str, Any]:
        """What the services take; call it on a valid form."""
        return dict(self.cleaned_data)


def entity_initial(row: EntityType, words: list[str]) -> dict[str, Any]:
    """The fields of a type as its form shows them."""
    names = ("label", "description", "enabled", "pattern", "noun_phrases")
    return {**{name: getattr(row, name) for name in names}, "words": words}


def relation_initial(row: RelationType) -> dict[str, Any]:
    """The fields of a relation as its form shows them."""
    names = ("label", "enabled", "functional", "symmetric", "phrases")
    pairs = {name: getattr(row, name).split() for name in ("subject_types", "object_types")}
    return {**{name: getattr(row, name) for name in names}, "description": services.description(row), **pairs}


def add_errors(form: forms.Form, error: ValidationError) -> None:
    """What a service says, at its fields."""
    for name, messages in error.message_dict.items():
        form.add_error(name if name in form.fields else None, messages)
