"""Reads what an import is given, from wherever it comes, and keeps what is good of it."""

from __future__ import annotations

import hashlib
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from memories.api.fields import Id
from memories.api.inputs import ImportFile, MemoryItem, new_memory
from memories.api.problems import TooLarge, body
from memories.importing import known, sources, texts
from memories.importing.refusals import ImportRefused
from memories.importing.sources import Found
from memories.importing.staging import Rejection, Upload
from memories.validation import NewMemory

SHOWN = 20


class Rejected(serializers.Serializer[dict[str, Any]]):
    """A memory that was not taken: its line or number from 1, null for a whole file; why; of several, in which file."""

    line = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()
    file = serializers.CharField(required=False)


class _Project(serializers.Serializer[Any]):
    project = Id()


class Body:
    """A JSON body `{project, memories}` as it was sent: its memories are read one by one, and twice."""

    def __init__(self, file: IO[bytes], digest: str) -> None:
        self.file = file
        self.digest = digest

    def __str__(self) -> str:
        return self.digest  # what an Idempotency-Key is compared by

    def project(self) -> UUID:
        """The project's id, after all of the body was seen to be JSON; ParseError, ValidationError or TooLarge."""
        try:
            found, listed = self._outline()
        except ImportRefused as error:
            raise (TooLarge if error.too_large else ParseError)(str(error)) from None
        if not listed:
            raise ValidationError({"memories": ["Give a list of memories."]})
        checked = _Project(data=found)
        checked.is_valid(raise_exception=True)
        project: UUID = checked.validated_data["project"]
        return project

    def _outline(self) -> tuple[dict[str, Any], bool]:
        """(the other members, whether there is an array of memories)."""
        values, found, listed = self._values(), dict[str, Any](), False
        if values.peek() != "{":
            raise ValidationError({"memories": ["Give an object with a project and a list of memories."]})
        for name in values.members():
            if name == "memories" and values.peek() == "[":
                listed = True
                deque(values.array(), maxlen=0)
            else:
                found[name] = values.take()
        values.end()
        return found, listed

    def memories(self) -> Iterator[Found]:
        """The memories, unchecked."""
        values = self._values()
        for name in values.members():
            if name == "memories":
                yield from (Found(value, number) for number, value in enumerate(values.array(), 1))
                return
            values.take()

    def _values(self) -> texts.Values:
        self.file.seek(0)
        if self.file.read(len(BOM_UTF8)) != BOM_UTF8:
            self.file.seek(0)
        return texts.Values(self.file)


class ImportParser(BaseParser):
    """`application/json` of up to MAX_UPLOAD_BYTES, kept in a file and not in memory."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        file, digest, size = texts.temporary(), hashlib.sha256(), 0
        while piece := stream.read(texts.CHUNK):
            if (size := size + len(piece)) > settings.MAX_UPLOAD_BYTES:
                file.close()
                raise TooLarge(too_large())
            digest.update(piece)
            file.write(piece)
        file.seek(0)
        return Body(file, digest.hexdigest())


def too_large() -> str:
    return f"An upload may have {settings.MAX_UPLOAD_BYTES // 2**20:,} MB; import it in parts. Nothing was saved."


@contextmanager
def received(request: Request) -> Iterator[tuple[UUID, str, str, Iterable[Found]]]:
    """(project id, name, digest, what is in it) of an import's request; what it has to refuse becomes a 400 or 413."""
    data: Any = request.data
    try:
        if isinstance(data, Body):
            yield data.project(), "", data.digest, data.memories()
        else:
            checked = ImportFile(data=data)
            checked.is_valid(raise_exception=True)
            project, file = checked.validated_data["project"], checked.validated_data["file"]
            yield project, sources.shown(file.name), digest_of([file]), sources.read_all([(file.name, file)])
    except NothingGood as error:
        raise ValidationError({"memories": _by_place(error) or [str(error)]}) from None
    except ImportRefused as error:
        raise (TooLarge(str(error)) if error.too_large else ValidationError({"file": [str(error)]})) from None
    finally:
        if isinstance(data, Body):
            data.file.close()


class NothingGood(ImportRefused):
    """No memory of the upload can be taken; `told` says why."""

    def __init__(self, told: list[Rejection]) -> None:
        super().__init__("No memory in it can be imported." if told else "There is no memory in it; give at least one.")
        self.told = told


def _by_place(error: NothingGood) -> dict[str, list[str]]:
    return {f"{one.file} {one.line or ''}".strip() or "file": [one.error] for one in error.told[:SHOWN]}


def place(rejection: Rejection) -> str:
    """Where it stood, in words: "notes.jsonl, line 3"; "" when the upload is one file that can't be read."""
    if rejection.line is None:
        return rejection.file
    return f"{rejection.file}, line {rejection.line:,}" if rejection.file else f"Line {rejection.line:,}"


def digest_of(files: Iterable[Any]) -> str:
    """The SHA-256 of uploaded files, which are read in pieces and rewound; ImportRefused when they are too large."""
    digest, size = hashlib.sha256(), 0
    for file in files:
        one = hashlib.sha256()
        for piece in file.chunks():
            size += len(piece)
            one.update(piece)
        file.seek(0)
        digest.update(one.digest())
    if size > settings.MAX_UPLOAD_BYTES:
        raise ImportRefused(too_large(), too_large=True)
    return digest.hexdigest()


def fill(upload: Upload, found: Iterable[Found]) -> None:
    """Checks what was found and keeps it, good or rejected; ImportRefused, and NothingGood when nothing is."""
    one = MemoryItem()
    for item in known.only_new(upload.row.project, found):
        if item.error:
            upload.reject(Rejection(item.line, item.error, item.file))
            continue
        try:
            given = item.value
            new = given if isinstance(given, NewMemory) else new_memory(one.run_validation(given))
            upload.add(new, item.line, item.file)
        except ValidationError as error:
            upload.reject(Rejection(item.line, body(error)["detail"], item.file))
    if not upload.accepted:
        raise NothingGood(upload.told)


def told(upload: Upload) -> dict[str, Any]:
    """What the answer says of the memories: how many were taken, the first rejected ones, how many more there are."""
    rejected = [
        {"line": one.line, "error": one.error, **({"file": one.file} if one.file else {})} for one in upload.told
    ]
    return {"accepted": upload.accepted, "rejected": rejected, "rejected_rest": upload.rejected - len(rejected)}
