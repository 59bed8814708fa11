"""`feeds`: RSS and Atom feeds that a project follows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from memories import access, feeds, queries
from memories.api.base import IDEMPOTENCY, ApiViewSet, Role, ScopeParameters, find_project, user_of
from memories.api.fields import Id, Moment, Text
from memories.api.idempotency import once
from memories.api.problems import TooLarge
from memories.api.shapes import NullableText, TaskStarted
from memories.importing import opml
from memories.importing.refusals import ImportRefused
from memories.models import Feed


class FeedInput(serializers.Serializer[Any]):
    project = Id()
    url = Text(max_length=2000, help_text="Of the feed, or of a page that names it.")
    every = serializers.IntegerField(
        required=False, min_value=Feed.LEAST, max_value=Feed.MOST, help_text="Seconds between two fetches; 3600."
    )


class FeedChanges(serializers.Serializer[Any]):
    every = serializers.IntegerField(required=False, min_value=Feed.LEAST, max_value=Feed.MOST)
    paused = serializers.BooleanField(required=False, help_text="It is not fetched by itself any more.")
    title = Text(required=False, max_length=300)


class FeedShape(serializers.ModelSerializer[Feed]):
    error = NullableText(source="last_error", help_text="Why the newest fetch failed; null when it did not.")
    result = NullableText(help_text="What the newest fetch that went well brought.")
    next_at = serializers.SerializerMethodField(help_text="When it is fetched next; null while it is paused.")
    fetched_at = Moment(allow_null=True)
    created_at = Moment(read_only=True)
    task_id = serializers.UUIDField(allow_null=True, help_text="The newest fetch.")

    class Meta:
        model = Feed
        fields = [
            "id", "project", "url", "title", "every", "paused", "next_at", "fetched_at", "result", "error", "failures",
            "task_id", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_next_at(self, feed: Feed) -> str | None:
        return None if feed.paused else Moment().to_representation(feed.next_at)


class FeedFile(serializers.Serializer[Any]):
    project = Id()
    file = serializers.FileField(help_text="OPML, as readers of feeds export it.")


class RefusedFeed(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    error = serializers.CharField()


class FeedsFollowed(serializers.Serializer[Any]):
    followed = serializers.IntegerField(help_text="New ones; they are fetched within some minutes.")
    known = serializers.IntegerField(help_text="Those that the project followed already.")
    rejected = RefusedFeed(many=True)


class FeedImportViewSet(ApiViewSet):
    """Many feeds at once."""

    queryset = Feed.objects.none()
    serializer_class = FeedsFollowed
    parser_classes = [MultiPartParser]

    @extend_schema(
        summary="Follow the feeds of a list (editor)",
        request={"multipart/form-data": FeedFile},
        responses={200: FeedsFollowed},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        values = self.checked(FeedFile)

        def make() -> Response:
            project = find_project(request, values["project"], Role.EDITOR)
            try:
                counts = feeds.follow_list(user_of(request), project, opml.subscriptions(values["file"]))
            except ImportRefused as error:
                raise TooLarge(str(error)) if error.too_large else ValidationError({"file": [str(error)]}) from None
            rejected = [{"line": line, "error": error} for line, error in counts.refused]
            return Response({"followed": counts.new, "known": counts.known, "rejected": rejected})

        return once(request, make)


class FeedViewSet(ApiViewSet):
    """Feeds whose new entries become articles of the project."""

    queryset = Feed.objects.none()
    serializer_class = FeedShape

    @extend_schema(summary="List feeds", parameters=[ScopeParameters], responses=FeedShape(many=True))
    def list(self, request: Request) -> Response:
        rows = queries.feeds(self.scope(self.parameters(ScopeParameters).get("project")))
        return self.get_paginated_response(FeedShape(self.paginate_queryset(rows), many=True).data)

    @extend_schema(
        summary="Follow a feed (editor)",
        description="201 and its first fetch under `task_id`; 200 with the feed as it is when the project follows it "
        "already. Of the first fetch the 20 newest entries are saved.",
        request=FeedInput,
        responses={201: FeedShape, 200: FeedShape},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        values = self.checked(FeedInput)

        def make() -> Response:
            project = find_project(request, values["project"], Role.EDITOR)
            followed = feeds.follow(user_of(request), project, values["url"], values.get("every", Feed.USUAL))
            code = status.HTTP_201_CREATED if followed.is_new else status.HTTP_200_OK
            return Response(FeedShape(followed.feed).data, status=code)

        return once(request, make)

    @extend_schema(summary="Read a feed", responses=FeedShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(FeedShape(self._feed(pk, Role.VIEWER)).data)

    @extend_schema(summary="Change how a feed is followed (editor)", request=FeedChanges, responses=FeedShape)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        feeds.change(self._feed(pk, Role.EDITOR), self.checked(FeedChanges))
        return Response(FeedShape(self._feed(pk, Role.VIEWER)).data)

    @extend_schema(summary="Stop following a feed; its articles stay (editor)", responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        feeds.remove(self._feed(pk, Role.EDITOR))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Fetch a feed now (editor)",
        description="While a fetch waits or runs, that one's `task_id`.",
        request=None,
        responses={202: TaskStarted},
        parameters=[IDEMPOTENCY],
    )
    def fetch(self, request: Request, pk: UUID) -> Response:
        def make() -> Response:
            return Response({"task_id": feeds.fetch_now(self._feed(pk, Role.EDITOR)).pk}, status=202)

        return once(request, make)

    def _feed(self, pk: UUID, role: Any) -> Feed:
        rows: QuerySet[Feed] = Feed.objects.select_related("task", "project")
        feed = access.get_visible(rows, self.request.user, pk)
        access.require(self.request.user, feed.project, role)
        return feed
