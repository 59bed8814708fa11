"""`memories`: save, read, change, delete, import."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from memories import access, queries, services
from memories.api import bulk
from memories.api.base import IDEMPOTENCY, ApiViewSet, Role, ScopeParameters, find_project, user_of
from memories.api.fields import Text
from memories.api.idempotency import once
from memories.api.inputs import ImportFile, ImportInput, MemoryChanges, MemoryInput, new_memory
from memories.api.shapes import MemoryRow, MemoryShape, TaskStarted, one_memory
from memories.importing.staging import Upload
from memories.models import Memory
from tasks_app.models import Status


class MemoryParameters(ScopeParameters):
    q = Text(required=False, max_length=1000, help_text="Words of the title or the text.")
    tag = Text(required=False, max_length=100)
    status = serializers.ChoiceField(required=False, choices=Status.choices, help_text="Of the processing.")


class DeleteParameters(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField(required=False, help_text="Only say what would go.")


class Receipt(serializers.Serializer[dict[str, int]]):
    facts_removed = serializers.IntegerField()
    facts_restored = serializers.IntegerField()
    entities_removed = serializers.IntegerField()
    passages_removed = serializers.IntegerField()
    mentions_removed = serializers.IntegerField()


class ImportAnswer(TaskStarted):
    accepted = serializers.IntegerField()
    rejected = bulk.Rejected(many=True, help_text="The first hundred.")
    rejected_rest = serializers.IntegerField(help_text="How many more there are; the page of the import shows all.")


TEXT = OpenApiExample(
    "A text",
    {"project": "0197a3c4-0000-7000-8000-000000000000", "content": "Ada Lovelace met Charles Babbage in 1833."},
    request_only=True,
)
CONVERSATION = OpenApiExample(
    "A conversation",
    {
        "project": "0197a3c4-0000-7000-8000-000000000000",
        "messages": [
            {"speaker": "Ada", "content": "I moved to Turin last week.", "at": "2024-05-31T12:00:00Z"},
            {"speaker": "Charles", "content": "How do you like it?"},
        ],
    },
    request_only=True,
)


class MemoryViewSet(ApiViewSet):
    """What was saved, and what was found in it."""

    queryset = Memory.objects.none()
    serializer_class = MemoryRow

    @extend_schema(summary="List memories", parameters=[MemoryParameters], responses=MemoryRow(many=True))
    def list(self, request: Request) -> Response:
        given = self.parameters(MemoryParameters)
        rows = queries.memories(self.scope(given.pop("project", None)), **given)
        return self.get_paginated_response(MemoryRow(self.paginate_queryset(rows), many=True).data)

    @extend_schema(
        summary="Save a memory (editor)",
        request=MemoryInput,
        responses={201: MemoryRow},
        parameters=[IDEMPOTENCY],
        examples=[TEXT, CONVERSATION],
    )
    def create(self, request: Request) -> Response:
        values = self.checked(MemoryInput)

        def make() -> Response:
            project = find_project(request, values["project"], Role.EDITOR)
            memory = services.create_memory(user_of(request), project, new_memory(values))
            return Response(MemoryRow(memory).data, status=status.HTTP_201_CREATED)

        return once(request, make)

    @extend_schema(summary="Read a memory with its passages, entities and facts", responses=MemoryShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(one_memory(queries.memory_detail(self._memory(pk, Role.VIEWER))))

    @extend_schema(
        summary="Change a memory (editor)",
        description="200 for title, tags, metadata or external id; 202 with a new `task_id` for its text or time.",
        request=MemoryChanges,
        responses={200: MemoryRow, 202: MemoryRow},
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:
        memory = self._memory(pk, Role.EDITOR)
        task = services.update_memory(memory, self.checked(MemoryChanges))
        code = status.HTTP_202_ACCEPTED if task else status.HTTP_200_OK
        return Response(MemoryRow(self._memory(pk, Role.VIEWER)).data, status=code)

    @extend_schema(
        summary="Delete a memory and what only it supports (editor)",
        parameters=[DeleteParameters],
        responses={200: Receipt},
    )
    def destroy(self, request: Request, pk: UUID) -> Response:
        dry_run = self.parameters(DeleteParameters).get("dry_run", False)
        memory = self._memory(pk, Role.VIEWER if dry_run else Role.EDITOR)
        return Response(services.deletion_preview(memory) if dry_run else services.delete_memory(memory))

    @extend_schema(
        summary="Ingest a memory again (editor)", request=None, responses={202: TaskStarted}, parameters=[IDEMPOTENCY]
    )
    def reprocess(self, request: Request, pk: UUID) -> Response:
        def make() -> Response:
            task = services.reprocess_memory(self._memory(pk, Role.EDITOR))
            return Response({"task_id": task.pk}, status=status.HTTP_202_ACCEPTED)

        return once(request, make)

    def _memory(self, pk: UUID, role: Any) -> Memory:
        rows = Memory.objects.select_related("task", "project").prefetch_related("memory_tags")
        memory = access.get_visible(rows, self.request.user, pk)
        access.require(self.request.user, memory.project, role)
        return memory


class ImportViewSet(ApiViewSet):
    """Many memories at once."""

    queryset = Memory.objects.none()
    serializer_class = ImportAnswer
    parser_classes = [bulk.ImportParser, MultiPartParser]

    @extend_schema(
        summary="Import memories (editor)",
        description="One parent task, a child for each memory. Those that are not valid are reported by line. "
        "A file is JSON Lines, a JSON array, a text (.txt, .md), or a zip archive of such files.",
        request={"application/json": ImportInput, "multipart/form-data": ImportFile},
        responses={202: ImportAnswer},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        with bulk.received(request) as (project_id, name, digest, found):
            project = find_project(request, project_id, Role.EDITOR)
            with Upload(project, user_of(request).pk, name=name, digest=digest) as upload:
                bulk.fill(upload, found)

                def make() -> Response:
                    task = services.start_import(upload)
                    return Response({"task_id": task.pk, **bulk.told(upload)}, status=status.HTTP_202_ACCEPTED)

                return once(request, make)
