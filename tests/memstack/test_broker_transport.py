"""What is a message and what is not; what becomes of both, tests/flows/test_faults_messages.py shows with a worker."""

from __future__ import annotations

from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from kombu import Connection

from memstack.broker_transport import Transport, is_message

WHOLE = {"body": "W10=", "properties": {"delivery_tag": "x", "delivery_info": {}}}


@pytest.mark.parametrize("url", ["redis://host/0", "rediss://host/0", "redis+socket:///tmp/socket"])
def test_every_connection_uses_it(url: str) -> None:
    assert Connection(url).get_transport_cls() is Transport
    assert current_app.connection_for_write().get_transport_cls() is Transport
    assert settings.CELERY_BROKER_URL


@pytest.mark.parametrize(
    "message", [None, 5, "x", [], {}, {"body": "x"}, {**WHOLE, "properties": {}}, {**WHOLE, "body": None}]
)
def test_what_lacks_something_is_none(message: Any) -> None:
    assert is_message(WHOLE)
    assert not is_message(message)
