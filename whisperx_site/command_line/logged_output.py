"""Commands that run as long as the site does: what they print stands among the lines of its log."""

import io
import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, OutputWrapper

logger = logging.getLogger("site")


class LogStream(io.TextIOBase):
    """Makes a line of the log of each printed line, whatever LOG_LEVEL is.

    Args:
        level: The level of the lines.
    """

    def __init__(self, level: int) -> None:
        self.level = level

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if said := line.strip():
                logger.handle(logger.makeRecord(logger.name, self.level, "", 0, said, (), None))
        return len(text)


class LoggedCommand(BaseCommand):
    """With LOG_FORMAT=json prints JSON, too, except on a terminal: people read that."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        if settings.SITE["LOG_FORMAT"] == "json":
            if not self.stdout.isatty():
                self.stdout = OutputWrapper(LogStream(logging.INFO))
            if not self.stderr.isatty():
                self.stderr = OutputWrapper(LogStream(logging.WARNING))
        return super().execute(*args, **options)
