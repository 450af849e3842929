"""One log for all processes of the site: lines for people, or JSON for programs (LOG_FORMAT)."""

import json
import logging
import logging.config
import os
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from uploads.services.activity import log_context

# Readers of the log must not be able to log in with it.
LOGIN_TOKEN = re.compile(r"(?<=token=)[\w-]{20,}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LONGEST = 500  # characters of a message, or of a traceback's line
MOST_LINES = 100  # of a traceback: the error's own text may have any number
IDS = ("request_id", "upload_id", "job_id")

logger = logging.getLogger("site")


class LineFormatter(logging.Formatter):
    """Adds the process name: `web`, `light`, `heavy` or `site`.

    A message is one short line: client input (addresses, names) can neither forge another line nor
    fill the disk. The lines of a traceback are indented for the same reason.
    """

    def format(self, record: logging.LogRecord) -> str:
        record.process_name = process_name()
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's name)
        return "\n".join(f"  {line}" for line in traceback_lines(ei))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the ids of the request, upload and job that it is about.

    Its texts are as safe as lines for people: the program that decodes them may print them. All is
    ASCII, so that no locale can break it.
    """

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "process": process_name(),
            "message": one_line(record.getMessage()),
            **ids_of(record),
        }
        if record.exc_info and record.exc_info[0]:
            facts["exception"] = "\n".join(traceback_lines(record.exc_info))
        return json.dumps(facts)


def process_name() -> str:
    return os.environ.get("SITE_PROCESS", "site")


def ids_of(record: logging.LogRecord) -> dict[str, str]:
    """What the line is about: as its call said (`extra`), else as the request or task did."""
    around = log_context.current()
    ids = {name: getattr(record, name, None) or around.get(name) for name in IDS}
    return {name: one_line(str(value)) for name, value in ids.items() if value}


def one_line(text: str) -> str:
    """The text without control characters and tokens, shortened in the middle if it is long."""
    text = CONTROL.sub(lambda found: repr(found[0])[1:-1], LOGIN_TOKEN.sub("...", text))
    if len(text) <= LONGEST:
        return text
    half = (LONGEST - 3) // 2
    return f"{text[:half]} … {text[-half:]}"


def traceback_lines(error: Any) -> list[str]:
    """The lines of a traceback, each as short as a message; of very many the first and last."""
    lines = [one_line(line) for line in logging.Formatter().formatException(error).splitlines()]
    more = len(lines) - MOST_LINES
    if more <= 0:
        return lines
    half = MOST_LINES // 2
    return [*lines[:half], f"({more} lines are left out)", *lines[-half:]]


class FaultsAlone(logging.Filter):
    """Passes only Django's messages about unexpected errors.

    A refusal (503, 507) was already logged in one line, with its reason.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info) or getattr(record, "status_code", 500) == 500


def configure(config: dict[str, Any]) -> None:
    """Configures logging (Django's LOGGING_CONFIG).

    As JSON, also what Python itself would print: programs can't read its warnings and tracebacks.
    """
    logging.config.dictConfig(config)
    if config["handlers"]["console"]["formatter"] == "json":
        logging.captureWarnings(True)
        sys.excepthook = log_uncaught
        threading.excepthook = log_uncaught_in_thread


def log_uncaught(
    kind: type[BaseException], problem: BaseException, trace: TracebackType | None
) -> None:
    """Logs the exception that ends this process."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, problem, trace)
    else:
        logger.critical("%s ended this process", kind.__name__, exc_info=(kind, problem, trace))


def log_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    """Logs the exception that ends a thread."""
    problem = found.exc_value
    if problem is not None and not isinstance(problem, SystemExit):
        name = found.thread.name if found.thread else "?"
        logger.error("%s ended the thread %s", type(problem).__name__, name, exc_info=problem)
