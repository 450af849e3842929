"""One readable log for all processes of the site."""

import logging
import os
import re
from typing import Any

# Readers of the log must not be able to log in with it.
LOGIN_TOKEN = re.compile(r"(?<=token=)[\w-]{20,}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LONGEST = 500  # characters of a message, or of a traceback's line


class LineFormatter(logging.Formatter):
    """Adds the process name: `web`, `light`, `heavy` or `site`.

    A message is one short line: client input (addresses, names) can neither forge another line nor
    fill the disk. The lines of a traceback are indented for the same reason.
    """

    def format(self, record: logging.LogRecord) -> str:
        record.process_name = os.environ.get("SITE_PROCESS", "site")
        return LOGIN_TOKEN.sub("...", super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's name)
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"  {one_line(line)}" for line in lines)


def one_line(text: str) -> str:
    """The text without control characters, shortened in the middle if it is long."""
    text = CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
    if len(text) <= LONGEST:
        return text
    half = (LONGEST - 3) // 2
    return f"{text[:half]} … {text[-half:]}"


class FaultsAlone(logging.Filter):
    """Passes only Django's messages about unexpected errors.

    A refusal (503, 507) was already logged in one line, with its reason.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info) or getattr(record, "status_code", 500) == 500
