"""One readable log for all processes of the site."""

import logging
import os
import re

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class LineFormatter(logging.Formatter):
    """Adds the name of the process: `web`, `light`, `heavy` or `site`.

    A message is one line: what clients send (addresses, names) cannot forge another.
    """

    def format(self, record: logging.LogRecord) -> str:
        record.process_name = os.environ.get("SITE_PROCESS", "site")
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        record.message = CONTROL.sub(lambda found: repr(found[0])[1:-1], record.message)
        return super().formatMessage(record)
