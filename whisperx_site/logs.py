"""One readable log for all processes of the site."""

import logging
import os


class LineFormatter(logging.Formatter):
    """Adds the name of the process: `web`, `light`, `heavy` or `site`."""

    def format(self, record: logging.LogRecord) -> str:
        record.process_name = os.environ.get("SITE_PROCESS", "site")
        return super().format(record)
