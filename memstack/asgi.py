"""What the web server runs: streams beside Django, because Django would hold a thread for each of them."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memstack.settings")
django_application = get_asgi_application()

from memstack.upload_limit import UploadLimit  # noqa: E402 - models need a set-up Django
from tasks_app.streams.application import StreamApplication  # noqa: E402

application = StreamApplication(UploadLimit(django_application))
