"""What the web server runs: streams beside Django, because Django would hold a thread for each of them."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memstack.settings")
django.setup(set_prefix=False)

from memstack.django_application import DjangoApplication  # noqa: E402 - models need a set-up Django
from memstack.upload_limit import UploadLimit  # noqa: E402
from tasks_app.streams.application import StreamApplication  # noqa: E402

application = StreamApplication(UploadLimit(DjangoApplication()))
