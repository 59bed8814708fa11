import logging

from django.apps import AppConfig


class MemStackConfig(AppConfig):
    name = "memstack"
    verbose_name = "MemStack"

    def ready(self) -> None:
        from memstack import checks

        checks.register_all()
        logging.captureWarnings(True)  # each line of a log is to be one of ours
