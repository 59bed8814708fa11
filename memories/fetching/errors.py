"""Why an address could not be fetched, in sentences for the person who saved it.

A sentence names the host at most: the rest of an address may be secret. `code` is a stable word for programs.
"""

from __future__ import annotations

from memories.engine.errors import EngineError

AGAIN = "Trying again later may help."
NEVER = "Trying again does not help."


class FetchError(EngineError):
    """`sentence`: what happened. `retryable`: whether another try may help. `retry_after`: seconds that the
    server asked to wait for, or None."""

    def __init__(self, sentence: str, code: str, *, retryable: bool = False, retry_after: float | None = None) -> None:
        super().__init__(f"{sentence} {AGAIN if retryable else NEVER}")
        self.sentence = sentence
        self.code = code
        self.retryable = retryable
        self.permanent = not retryable
        self.retry_after = retry_after


def bad_address(why: str) -> FetchError:
    return FetchError(f"This is no address that can be fetched: {why}.", "bad_address")


def no_such_host(host: str) -> FetchError:
    return FetchError(f"There is no host named {host}; look for a slip in the address.", "no_such_host")


def not_looked_up(host: str) -> FetchError:
    return FetchError(f"The address of {host} could not be looked up just now.", "name_lookup", retryable=True)


def private(host: str) -> FetchError:
    """Says nothing of what the name resolved to: that would map the network for whoever asks."""
    return FetchError(
        f"{host} is not a public host, and only those named in MEMSTACK_PRIVATE_HOSTS may be private.",
        "private_address",
    )


def port_not_allowed(host: str, port: int) -> FetchError:
    return FetchError(
        f"The address asks for port {port} of {host}, and MEMSTACK_FETCH_PORTS does not name it.", "port_not_allowed"
    )


def refused(host: str) -> FetchError:
    return FetchError(f"{host} refused the connection; it may be down.", "refused", retryable=True)


def unreachable(host: str) -> FetchError:
    return FetchError(f"{host} could not be reached.", "unreachable", retryable=True)


def slow_connect(host: str, seconds: float) -> FetchError:
    return FetchError(f"{host} did not answer within {seconds:g} seconds.", "too_slow", retryable=True)


def idle(host: str, seconds: float) -> FetchError:
    return FetchError(f"{host} sent nothing for {seconds:g} seconds.", "too_slow", retryable=True)


def too_slow(seconds: float) -> FetchError:
    return FetchError(
        f"The fetch was not done after {seconds:g} seconds, so it was given up.", "too_slow", retryable=True
    )


def bad_certificate(host: str, why: str) -> FetchError:
    reason = why.rstrip(".") or "it could not be verified"
    return FetchError(
        f"The certificate of {host} is not valid ({reason}), so nothing was fetched.", "tls", retryable=False
    )


def no_secure_connection(host: str) -> FetchError:
    return FetchError(f"No secure connection to {host} could be made.", "tls")


def broken_off(host: str) -> FetchError:
    return FetchError(
        f"{host} ended the connection before everything had come, or what it sent is no HTTP.",
        "broken_off",
        retryable=True,
    )


def endless_redirect(most: int) -> FetchError:
    return FetchError(
        f"The address leads on more than {most} times, or back to itself; such pages often want a browser.",
        "endless_redirect",
    )


def downgrade(host: str) -> FetchError:
    return FetchError(
        f"The address leads from a secure one (https) to an insecure one (http) at {host}, which was not followed. "
        "Save that address itself if you trust it.",
        "downgrade",
    )


def too_large(limit: int, *, packed: bool) -> FetchError:
    what = "Unpacked, it has" if packed else "It has"
    return FetchError(f"{what} more than the {limit // 2**20:,} MB that may be fetched.", "too_large")


def unknown_encoding(encoding: str) -> FetchError:
    return FetchError(f"It came packed in a way that was not asked for ({encoding[:40]}).", "encoding")


def damaged() -> FetchError:
    return FetchError("What came is damaged: it could not be unpacked.", "damaged", retryable=True)


def empty(host: str) -> FetchError:
    return FetchError(f"{host} sent an empty answer.", "empty", retryable=True)


def wrong_type(media_type: str) -> FetchError:
    if media_type in {"application/rss+xml", "application/atom+xml"}:
        return FetchError("The address leads to a feed, not to an article; follow it among the feeds.", "wrong_type")
    return FetchError(
        f"The address leads to {in_words(media_type)}; articles, PDF, Word, text, sound and video can be saved.",
        "wrong_type",
    )


def in_words(media_type: str) -> str:
    """ "a picture (image/png)"; what is not known is told by its type alone."""
    kinds = {"image": "a picture", "audio": "a sound file", "video": "a video", "font": "a font"}
    kind = kinds.get(media_type.partition("/")[0], "a file")
    return f"{kind} of unknown type" if media_type == "application/octet-stream" else f"{kind} ({media_type})"


def robots_forbid(host: str) -> FetchError:
    return FetchError(f"The robots.txt of {host} does not let MemStack fetch this page.", "robots")


def robots_unreadable(host: str) -> FetchError:
    return FetchError(
        f"{host} could not say just now what may be fetched (its robots.txt answers with an error).",
        "robots_unreadable",
        retryable=True,
    )


def login_page(host: str) -> FetchError:
    return FetchError(f"{host} wants a login for this page, which MemStack does not have.", "login")
