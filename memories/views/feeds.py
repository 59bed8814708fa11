"""The feeds that a project follows."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from memories import feeds, queries
from memories.forms import FeedForm, FeedPeriodForm
from memories.models import Feed
from memories.views.base import Place, Role, draw, member, paginate, project_page
from tasks_app.services import StateConflict


@require_http_methods(["GET", "POST"])
@project_page(see=Role.VIEWER)
def feed_list(request: HttpRequest, place: Place) -> HttpResponse:
    """The feeds, and a form that follows another one."""
    form = FeedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            followed = feeds.follow(member(request), place.project, form.cleaned_data["url"], form.every())
        except ValidationError as error:
            form.add_error(None, error.messages)
        except StateConflict as error:
            form.add_error(None, str(error))
        else:
            _tell(request, followed)
            return redirect("feeds", place.project.pk)
    page = paginate(request, queries.feeds(place.project))
    periods = FeedForm.PERIODS
    return draw(
        request,
        place,
        "memories/feeds.html",
        "feeds",
        form=form,
        page=page,
        periods=periods,
        status=400 if form.errors else 200,
    )


def _tell(request: HttpRequest, followed: feeds.Followed) -> None:
    if followed.is_new:
        messages.success(request, "The feed is followed from now on; its newest articles are being fetched.")
    else:
        messages.info(request, f"The project follows “{followed.feed}” already.")


@require_POST
@project_page(change=Role.EDITOR)
def feed_change(request: HttpRequest, place: Place, feed_id: UUID) -> HttpResponse:
    """What the button says: pause, resume, fetch, remove; or another period."""
    feed = get_object_or_404(place.project.feeds.select_related("task"), pk=feed_id)
    try:
        messages.success(request, _changed(request, feed))
    except StateConflict as error:
        messages.error(request, str(error))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("feeds", place.project.pk)


def _changed(request: HttpRequest, feed: Feed) -> str:
    match request.POST.get("do"):
        case "fetch":
            feeds.fetch_now(feed)
            return f"“{feed}” is being fetched."
        case "pause":
            feeds.change(feed, {"paused": True})
            return f"“{feed}” is paused; nothing of it is fetched until you resume it."
        case "resume":
            feeds.change(feed, {"paused": False})
            return f"“{feed}” is followed again."
        case "remove":
            feeds.remove(feed)
            return f"“{feed}” is not followed any more. Its articles stay."
    form = FeedPeriodForm(request.POST)
    if not form.is_valid():
        raise ValidationError("There is no such period. Nothing was changed.")
    feeds.change(feed, {"every": form.every()})
    return f"“{feed}” is fetched {form.words()} from now on."
