"""`tasks`: what runs, what ran, and what can be done about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from memories import access
from memories.api.base import IDEMPOTENCY, ApiViewSet, Role, ScopeParameters, find_project
from memories.api.fields import DayOrMoment, Id, Text
from memories.api.idempotency import once
from memories.api.shapes import TaskStarted
from tasks_app import bulk, queries, services
from tasks_app.api.shapes import (
    BulkInput,
    BulkShape,
    EventShape,
    QueueDepthShape,
    StepShape,
    TaskShape,
    TaskStats,
    TimelineShape,
)
from tasks_app.export import csv_response
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskEvent, TaskLog

MAX_EVENTS = 1000


class TaskParameters(ScopeParameters):
    status = serializers.ChoiceField(required=False, choices=Status.choices)
    kind = serializers.ChoiceField(required=False, choices=Kind.choices)
    q = Text(required=False, max_length=1000, help_text="Words of the message, error or memory's title; or an id.")
    parent = Id(  # type: ignore[assignment]  # hides a property that nothing here uses
        required=False, help_text="An import, whose children these are."
    )
    since = DayOrMoment(required=False, start=True, help_text="Asked for at this time or later.")
    until = DayOrMoment(required=False, help_text="Asked for at this time or earlier.")


class DepthParameters(ScopeParameters):
    hours = serializers.IntegerField(required=False, min_value=1, max_value=queries.DEPTH_HOURS)


class EventParameters(serializers.Serializer[dict[str, int]]):
    after = serializers.IntegerField(required=False, min_value=0, max_value=2**31, help_text="A `seq`.")


class TaskViewSet(ApiViewSet):
    """The jobs of one's projects."""

    queryset = TaskLog.objects.none()
    serializer_class = TaskShape

    @extend_schema(summary="List tasks", parameters=[TaskParameters], responses=TaskShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self._filtered(self.parameters(TaskParameters))
        # the page is found in an index, and only its rows are read
        page = [row.pk for row in self.paginate_queryset(rows.select_related(None).only("pk")) or []]
        return self.get_paginated_response(TaskShape(queries.in_full(page), many=True).data)

    @extend_schema(
        summary="Tasks as CSV",
        description="All that fit the filters, newest first, streamed.",
        parameters=[TaskParameters],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def csv(self, request: Request) -> StreamingHttpResponse:
        return csv_response(request._request, self._filtered(self.parameters(TaskParameters)), "tasks")

    @extend_schema(summary="Read a task", responses=TaskShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(TaskShape(self._task(pk)).data)

    @extend_schema(
        summary="Read a task's timeline",
        parameters=[EventParameters],
        responses={200: OpenApiResponse(TimelineShape)},
    )
    def events(self, request: Request, pk: UUID) -> Response:
        after = self.parameters(EventParameters).get("after", 0)
        task = self._task(pk)
        rows = TaskEvent.objects.filter(task=task).order_by("seq")
        found = list(rows.filter(seq__gt=after)[: MAX_EVENTS + 1])
        shown, here = found[:MAX_EVENTS], request.build_absolute_uri()
        more = len(found) > MAX_EVENTS
        return Response(
            {
                "steps": StepShape(queries.timeline(task), many=True).data,
                "count": rows.count(),
                "next": replace_query_param(here, "after", shown[-1].seq) if more else None,
                "previous": None,
                "results": EventShape(shown, many=True).data,
            }
        )

    @extend_schema(
        summary="Cancel a task (editor)",
        description="A waiting task ends at once, a running one within seconds. 409 when it has ended already.",
        request=None,
        responses={202: TaskShape},
    )
    def cancel(self, request: Request, pk: UUID) -> Response:
        task = services.cancel(self._task(pk, Role.EDITOR))
        return Response(TaskShape(task).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Do a failed or cancelled task again (editor)",
        description="Makes a new task. 409 when there is nothing to do again.",
        request=None,
        responses={202: TaskStarted},
        parameters=[IDEMPOTENCY],
    )
    def retry(self, request: Request, pk: UUID) -> Response:
        def make() -> Response:
            task = services.retry(self._task(pk, Role.EDITOR))
            return Response({"task_id": task.pk}, status=status.HTTP_202_ACCEPTED)

        return once(request, make)

    @extend_schema(
        summary="Cancel or retry many tasks (editor)",
        description="Works for a few seconds, the oldest tasks first; when some are left, `cursor` is there, and the "
        "same request with it goes on. Tasks whose state forbids it are left as they are and counted by reason. 200 "
        "when nothing was done, also when nothing fits the filter. It needs no Idempotency-Key: what was retried is "
        "not retried again.",
        request=BulkInput,
        responses={200: BulkShape, 202: BulkShape},
    )
    def bulk(self, request: Request) -> Response:
        given = self.checked(BulkInput)
        project = find_project(request, given["project"], Role.EDITOR)
        chosen = dict(given["filter"])
        ids = chosen.pop("ids", None)
        rows = queries.tasks(project, **chosen)
        try:
            outcome = bulk.run(
                rows if ids is None else rows.filter(pk__in=ids),
                bulk.Action(given["action"]),
                given.get("cursor") or "",
            )
        except bulk.BadCursor as error:
            raise ValidationError({"cursor": [str(error)]}) from None
        return Response(
            BulkShape(outcome.as_json()).data, status=status.HTTP_202_ACCEPTED if outcome.done else status.HTTP_200_OK
        )

    @extend_schema(summary="Count tasks, and how they fare", parameters=[ScopeParameters], responses=TaskStats)
    def stats(self, request: Request) -> Response:
        scope = self.scope(self.parameters(ScopeParameters).get("project"))
        figures = queries.figures(scope)
        told = {
            name: getattr(figures, name) for name in ("total", "by_status", "by_kind", "oldest_pending_at", "stuck")
        }
        told |= {
            "ended_last_hour": figures.ended,
            "throughput_per_minute": figures.ended.per_minute,
            "error_rate": figures.ended.error_rate,
            "durations": {found.kind: found for found in figures.durations},
            "cost": queries.cost_of(scope),
        }
        return Response(TaskStats(told).data)

    @extend_schema(
        operation_id="tasks_queue_depth",
        summary="How many tasks waited and ran, minute by minute",
        parameters=[DepthParameters],
        responses=QueueDepthShape,
    )
    def queue_depth(self, request: Request) -> Response:
        given = self.parameters(DepthParameters)
        scope, hours = self.scope(given.get("project")), given.get("hours", 1)
        pending, processing = queries.depth_now(scope)
        points = queries.queue_depth(scope, hours)
        told = {"hours": hours, "pending": pending, "processing": processing, "points": points}
        return Response(QueueDepthShape(told).data)

    def _filtered(self, given: dict[str, Any]) -> QuerySet[TaskLog]:
        return queries.tasks(self.scope(given.pop("project", None)), **given)

    def _task(self, pk: UUID, role: Role = Role.VIEWER) -> TaskLog:
        task = access.get_visible(queries.tasks(None), self.request.user, pk)
        access.require(self.request.user, task.project, role)
        return task


STREAM = {(200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, description="Server-sent events.")}
LAST_EVENT_ID = [
    OpenApiParameter(
        "Last-Event-ID", str, OpenApiParameter.HEADER, description="Go on after this event, as `EventSource` does."
    ),
    OpenApiParameter("lastEventId", str, description="The same, for the first connection of a page."),
]

SOME_PROJECTS = OpenApiParameter("project", OpenApiTypes.UUID, many=True, description="Follow these projects only.")


class StreamViewSet(ApiViewSet):
    """The streams' place in the OpenAPI schema; the ASGI application answers them before Django is asked."""

    queryset = TaskLog.objects.none()
    serializer_class = TaskShape
    pagination_class = None

    @extend_schema(
        summary="Follow a task",
        description="Its latest event at once, then each later one, once and in order; ends with the terminal one. "
        "204 to a reconnect after that.",
        parameters=LAST_EVENT_ID,
        responses={**STREAM, 204: OpenApiResponse(description="The task has ended and the client has seen it.")},
    )
    def task(self, request: Request, pk: UUID) -> Response:
        return self._elsewhere()

    @extend_schema(
        summary="Follow a project", description="Every event of its tasks.", parameters=LAST_EVENT_ID, responses=STREAM
    )
    def project(self, request: Request, pk: UUID) -> Response:
        return self._elsewhere()

    @extend_schema(
        operation_id="stream_all",
        summary="Follow all of one's projects",
        parameters=[SOME_PROJECTS, *LAST_EVENT_ID],
        responses=STREAM,
    )
    def everything(self, request: Request) -> Response:
        return self._elsewhere()

    def _elsewhere(self) -> Response:
        raise NotFound("Streams are served by the ASGI server; this process does not serve them.") from Http404()
