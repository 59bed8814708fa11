"""A memory's recording or file for the pages: played and downloaded by whoever may read the memory."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from memories import access
from memories.models import SavedDocument
from memories.serving import serve


@require_safe
@login_required
def memory_media(request: HttpRequest, project_id: UUID, memory_id: UUID) -> HttpResponseBase:
    project = access.get_project(request.user, project_id)
    return serve(request, get_object_or_404(SavedDocument, memory_id=memory_id, memory__project=project))
