"""Which language model there is, and how much of it a task may use."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is. `timeout` is the seconds that one try may take, `task_*` limit a whole task."""

    base_url: str = field(repr=False)  # may hold a password
    model: str
    api_key: str = field(repr=False)
    timeout: int = 60
    concurrency: int = 4
    task_tokens: int = 500_000
    task_seconds: int = 1800


def configured() -> Endpoint | None:
    """The endpoint of the settings; None when there is none."""
    if not settings.MEMSTACK_LLM_BASE_URL or not settings.MEMSTACK_LLM_MODEL:
        return None
    return Endpoint(
        base_url=settings.MEMSTACK_LLM_BASE_URL,
        model=settings.MEMSTACK_LLM_MODEL,
        api_key=settings.MEMSTACK_LLM_API_KEY,
        timeout=settings.MEMSTACK_LLM_TIMEOUT,
        concurrency=settings.MEMSTACK_LLM_CONCURRENCY,
        task_tokens=settings.MEMSTACK_LLM_TASK_TOKENS,
        task_seconds=settings.MEMSTACK_LLM_TASK_SECONDS,
    )
