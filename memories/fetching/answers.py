"""What the status of an answer means for the person who waits for the page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from memories.fetching import errors
from memories.fetching.addresses import Address
from memories.fetching.errors import FetchError

REDIRECTS = {301, 302, 303, 307, 308}
LONGEST_WAIT = 24 * 3600.0
LOGIN_PATH = re.compile(
    r"(?:^|[/._-])(?:log[-_]?in|sign[-_]?in|sso|oauth2?|authenticate|accounts?/(?:begin|auth))(?:$|[/._-])", re.I
)
LOGIN_HOST = re.compile(r"^(?:login|signin|auth|accounts?|sso|idp)\.", re.I)
LOGIN_QUERY = {
    "next", "return", "returnurl", "return_to", "return_url", "redirect", "redirect_uri", "redirect_url", "redirectto",
    "continue", "destination", "service", "goto", "client_id", "samlrequest", "from", "backurl",
}  # fmt: skip
PASSWORD = re.compile(rb"""<input[^>]{0,300}type\s*=\s*["']?password""", re.IGNORECASE)


def failure_of(response: httpx.Response, host: str) -> FetchError | None:
    """Why the answer is no page, or None for 200."""
    status = response.status_code
    wait = retry_after(response.headers.get("retry-after", ""))
    if status == 200:
        return None
    if status in PLAIN:
        return FetchError(PLAIN[status].format(host=host), f"http_{status}")
    if status in PASSING:
        return FetchError(
            PASSING[status].format(host=host) + _waiting(wait), f"http_{status}", retryable=True, retry_after=wait
        )
    if status >= 500:
        sentence = f"{host} has a fault of its own (HTTP {status}).{_waiting(wait)}"
        return FetchError(sentence, f"http_{status}", retryable=True, retry_after=wait)
    return FetchError(f"{host} answered with HTTP {status} instead of the page.", f"http_{status}")


PLAIN = {
    401: "{host} wants a login for this page (HTTP 401), which MemStack does not have.",
    402: "{host} wants to be paid for this page (HTTP 402).",
    403: "{host} does not let MemStack see this page (HTTP 403).",
    404: "The page is not there (HTTP 404 from {host}); look for a slip in the address.",
    407: "{host} wants a login (HTTP 407), which MemStack does not have.",
    410: "The page was taken away for good (HTTP 410 from {host}).",
    451: "{host} may not show this page for legal reasons (HTTP 451).",
}
PASSING = {
    408: "{host} waited too long for the request (HTTP 408).",
    425: "{host} was not ready for the request (HTTP 425).",
    429: "{host} gets too many requests (HTTP 429).",
}


def _waiting(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 120:
        return f" It asks to wait {round(seconds)} seconds."
    return f" It asks to wait {round(seconds / 60)} minutes."


def retry_after(value: str, now: datetime | None = None) -> float | None:
    """Seconds by a Retry-After header in either form, at most a day; None where it says nothing."""
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return min(float(text), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - (now or datetime.now(UTC))).total_seconds()), LONGEST_WAIT)


def redirects(response: httpx.Response) -> str:
    """Where the answer leads on to; "" when it does not."""
    return response.headers.get("location", "") if response.status_code in REDIRECTS else ""


def asks_for_login(asked: Address, found: Address, start: bytes) -> bool:
    """Whether redirects led to the site's login: by the address, and a password field or the way back."""
    if asked == found:
        return False
    parts = urlsplit(found.url)
    if not LOGIN_PATH.search(unquote(parts.path)) and not LOGIN_HOST.match(found.host):
        return False
    names = {name.lower() for name, _ in parse_qsl(parts.query)}
    return bool(names & LOGIN_QUERY) or bool(PASSWORD.search(start))


def ensure_page(response: httpx.Response, host: str) -> None:
    """FetchError unless the answer is a page."""
    if error := failure_of(response, host):
        raise error


def ensure_no_login(asked: Address, found: Address, start: bytes) -> None:
    """FetchError when the address led to a login."""
    if asks_for_login(asked, found, start):
        raise errors.login_page(found.host)
