"""`articles` and `files`: save what stands behind an address, or a file, and have it read."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from memories import saving, uploads
from memories.api.base import IDEMPOTENCY, ApiViewSet, Role, find_project, user_of
from memories.api.documents import ArticleInput, FileInput
from memories.api.idempotency import once
from memories.api.problems import TooLarge
from memories.api.shapes import MemoryRow
from memories.models import Memory
from memories.saving import Saved

TWICE = "What the project has already is answered with 200 and the memory that has it."


class _SavingViewSet(ApiViewSet):
    queryset = Memory.objects.none()
    serializer_class = MemoryRow

    def answer(self, saved: Saved) -> Response:
        code = status.HTTP_201_CREATED if saved.is_new else status.HTTP_200_OK
        return Response(MemoryRow(saved.memory).data, status=code)


class ArticleViewSet(_SavingViewSet):
    """Pages, documents and recordings by their address."""

    @extend_schema(
        summary="Save an article by its address (editor)",
        description=f"It is fetched and read by the task `task_id`. {TWICE}",
        request=ArticleInput,
        responses={201: MemoryRow, 200: MemoryRow},
        parameters=[IDEMPOTENCY],
        examples=[
            OpenApiExample(
                "An article",
                {
                    "project": "0197a3c4-0000-7000-8000-000000000000",
                    "url": "https://example.org/notes/1",
                    "tags": ["reading"],
                },
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        values = self.checked(ArticleInput)

        def make() -> Response:
            project = find_project(request, values["project"], Role.EDITOR)
            try:
                saved = saving.save_article(user_of(request).pk, project, values["url"], values.get("tags", ()))
            except DjangoValidationError as error:
                raise ValidationError({"url": error.messages}) from None
            return self.answer(saved)

        return once(request, make)


class FileViewSet(_SavingViewSet):
    """Documents and recordings as files."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        summary="Save a file (editor)",
        description=f"Multipart, up to MEMSTACK_MAX_FILE_MB; the bytes say what it is. {TWICE}",
        request={"multipart/form-data": FileInput},
        responses={201: MemoryRow, 200: MemoryRow},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        values: dict[str, Any] = self.checked(FileInput)

        def make() -> Response:
            project = find_project(request, values["project"], Role.EDITOR)
            try:
                saved = uploads.save(user_of(request).pk, project, values["file"], values.get("tags", ()))
            except uploads.TooLarge as error:
                raise TooLarge(str(error)) from None
            except DjangoValidationError as error:
                raise ValidationError({"file": error.messages}) from None
            return self.answer(saved)

        return once(request, make)
