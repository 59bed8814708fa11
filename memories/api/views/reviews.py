"""`reviews` and `merges`: which entities are one, which facts are over, and what people decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from memories import access, reviewing, services
from memories.api.base import IDEMPOTENCY, ApiViewSet, Role, ScopeParameters, user_of
from memories.api.fields import Id
from memories.api.idempotency import once
from memories.api.inputs import AcceptInput, MergeInput
from memories.api.shapes import MergeShape, ReviewShape
from memories.models import Entity, Merge, Review


class ReviewParameters(ScopeParameters):
    state = serializers.ChoiceField(required=False, choices=Review.State.choices)
    kind = serializers.ChoiceField(required=False, choices=Review.Kind.choices)


class MergeParameters(ScopeParameters):
    entity = Id(required=False, help_text="One of the two, or what they are shown as.")
    undone = serializers.BooleanField(required=False, default=None, allow_null=True)


def _shown(shape: type[ReviewShape | MergeShape], rows: Sequence[Any] | None) -> Any:
    rows = rows or []
    return shape(rows, many=True, context={"evidence": reviewing.with_evidence(rows)}).data


class ReviewViewSet(ApiViewSet):
    """What is not sure enough to be done without people."""

    queryset = Review.objects.none()
    serializer_class = ReviewShape

    @extend_schema(summary="List reviews", parameters=[ReviewParameters], responses=ReviewShape(many=True))
    def list(self, request: Request) -> Response:
        given = self.parameters(ReviewParameters)
        rows = reviewing.reviews(self.scope(given.pop("project", None)), **given)
        return self.get_paginated_response(_shown(ReviewShape, self.paginate_queryset(rows)))

    @extend_schema(summary="Read a review", responses=ReviewShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(_shown(ReviewShape, [self._review(pk)])[0])

    @extend_schema(
        summary="Accept a review (editor)",
        description="The two entities become one, as by `entities/{id}/merge`; of two facts one is over.",
        request=AcceptInput,
        responses=ReviewShape,
    )
    def accept(self, request: Request, pk: UUID) -> Response:
        over = self.checked(AcceptInput).get("over")
        return self._decided(pk, lambda review: services.accept_review(user_of(request), review, over))

    @extend_schema(
        summary="Reject a review (editor)",
        description="The two entities stay two, and nobody is asked again; both facts hold.",
        request=None,
        responses=ReviewShape,
    )
    def reject(self, request: Request, pk: UUID) -> Response:
        return self._decided(pk, lambda review: services.reject_review(user_of(request), review))

    @extend_schema(
        summary="Take back what was decided (editor)",
        description="The review is open again, unless what the memories say has answered it meanwhile.",
        request=None,
        responses=ReviewShape,
    )
    def undo(self, request: Request, pk: UUID) -> Response:
        return self._decided(pk, lambda review: services.undo_review(user_of(request), review))

    def _decided(self, pk: UUID, decide: Callable[[Review], None]) -> Response:
        review = self._review(pk)
        access.get_project(self.request.user, review.project_id, Role.EDITOR)
        decide(review)
        rows = reviewing.reviews(review.project).filter(pk=pk)
        return Response(_shown(ReviewShape, [rows.first() or _reopened(review)])[0])

    def _review(self, pk: UUID) -> Review:
        return get_object_or_404(reviewing.reviews(access.projects_of(self.request.user)), pk=pk)


def _reopened(review: Review) -> Review:
    """A review that nobody needs any more since what was decided has been taken back."""
    review.state, review.decided_by, review.decided_at, review.evidence = Review.State.OPEN, None, None, {}
    return review


class MergeViewSet(ApiViewSet):
    """Entities that were joined, by people or because nothing spoke against it; each can be undone."""

    queryset = Merge.objects.none()
    serializer_class = MergeShape

    @extend_schema(summary="List merges", parameters=[MergeParameters], responses=MergeShape(many=True))
    def list(self, request: Request) -> Response:
        given = self.parameters(MergeParameters)
        rows = reviewing.merges(self.scope(given.pop("project", None)), **given)
        return self.get_paginated_response(_shown(MergeShape, self.paginate_queryset(rows)))

    @extend_schema(summary="Read a merge", responses=MergeShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(_shown(MergeShape, [self._merge(pk)])[0])

    @extend_schema(
        summary="Merge an entity into another one (editor)",
        description="Its mentions, facts and names are shown as the other one's until the merge is undone.",
        request=MergeInput,
        responses={201: MergeShape},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request, pk: UUID) -> Response:
        values = self.checked(MergeInput)

        def make() -> Response:
            source = self._entity(pk)
            access.get_project(request.user, source.project_id, Role.EDITOR)
            target = Entity.every.filter(project=source.project_id, pk=values["into"]).first()
            if target is None:
                raise NotFound("The entity to merge into is not in this project.")
            merge = services.merge_entities(user_of(request), source, target)
            return Response(_shown(MergeShape, [self._merge(merge.pk)])[0], status=status.HTTP_201_CREATED)

        return once(request, make)

    @extend_schema(
        summary="Undo a merge (editor)",
        description="As if it never had been: what was saved, changed or deleted meanwhile stays as it is.",
        request=None,
        responses=MergeShape,
    )
    def undo(self, request: Request, pk: UUID) -> Response:
        merge = self._merge(pk)
        access.get_project(request.user, merge.project_id, Role.EDITOR)
        services.undo_merge(user_of(request), merge)
        return Response(_shown(MergeShape, [self._merge(pk)])[0])

    def _entity(self, pk: UUID) -> Entity:
        rows = Entity.every.filter(project__in=access.projects_of(self.request.user)).select_related("project")
        return get_object_or_404(rows, pk=pk)

    def _merge(self, pk: UUID) -> Merge:
        return get_object_or_404(reviewing.merges(access.projects_of(self.request.user)), pk=pk)
