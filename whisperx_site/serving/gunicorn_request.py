"""Request headers in gunicorn: limited in total size, parsed in linear time, with a deadline.

gunicorn limits each field separately, and scans everything again with each piece it receives: a
hundred long fields keep a process busy for a minute. So incomplete headers are read here, and
gunicorn gets them complete.
"""

import logging
import re
from typing import Any

from gevent import Timeout
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData, ParseException
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

from uploads.cooperative import let_others_in
from whisperx_site.middleware.bounds import (
    CHUNK_LINE_BYTES,
    FIELDS_BYTES,
    HEAD_SECONDS,
    TRAILER_BYTES,
    UPLOAD_FIELDS_BYTES,
)

logger = logging.getLogger(__name__)

END = b"\r\n\r\n"
LINE_END = b"\r\n"
BARE_LF = re.compile(rb"(?<!\r)\n")
READS_AT_ONCE = 64  # bytes read before yielding to other requests
UPLOADS_ROOT = b"/uploads/files"
UPLOAD_FIELD = b"upload-"


class HeadTooSlow(ParseException):  # type: ignore[misc]
    """The head was not complete within HEAD_SECONDS."""


class BoundedRequest(Request):  # type: ignore[misc]
    """A request whose head is read as described above."""

    def read_into(self, unreader: Any, buf: bytearray, stop: bool = False) -> None:
        """Reads what is there; at the start of the head (`stop`), reads the whole head.

        Raises:
            LimitRequestHeaders: It is longer than it may be.
            HeadTooSlow: It did not come in time.
        """
        super().read_into(unreader, buf, stop)
        if stop and END not in buf:
            with Timeout(HEAD_SECONDS, HeadTooSlow()):
                HeadReader(unreader, buf, self.limit_request_line).read()

    def set_body_reader(self) -> None:
        """Also limits the framing of a chunked body."""
        self.limit_request_field_size = CHUNK_LINE_BYTES
        self.max_buffer_headers = TRAILER_BYTES
        super().set_body_reader()


class HeadReader:
    """Reads the rest of a head.

    Args:
        unreader: gunicorn's, which reads from the socket.
        head: What is there; it grows.
        longest_line: Bytes that the request line may have.
    """

    def __init__(self, unreader: Any, head: bytearray, longest_line: int) -> None:
        self.unreader = unreader
        self.head = head
        self.longest_line = longest_line
        self.seen = 0  # bytes that were searched
        self.fields: int | None = None  # where the fields begin, once the request line is complete
        self.most = FIELDS_BYTES

    def read(self) -> None:
        """Until it is complete, or gunicorn will find the error itself."""
        reads = 0
        while (end := self.head.find(END, max(0, self.seen - 3))) < 0:
            if self.is_hopeless():
                return
            self.seen = len(self.head)
            data = self.unreader.read()
            if not data:
                raise NoMoreData(bytes(self.head))
            self.head += data
            reads += 1
            if not reads % READS_AT_ONCE:
                let_others_in()
        self.find_fields()
        if self.fields is not None:
            check_fields(self.head[self.fields : end], self.most)

    def is_hopeless(self) -> bool:
        """Whether gunicorn refuses it without waiting for more.

        Raises:
            LimitRequestHeaders: The fields are too long already.
        """
        self.find_fields()
        if self.fields is None:
            too_long = len(self.head) > self.longest_line + 2 * len(LINE_END)
        else:
            too_long = False
            check_size(len(self.head) - self.fields, self.most)
        return too_long or BARE_LF.search(self.head, self.seen) is not None

    def find_fields(self) -> None:
        """Finds the end of the request line; the limit of the rest depends on the address."""
        if self.fields is not None:
            return
        # RFC 9112, section 2.2: an empty line may come first.
        begin = len(LINE_END) if self.head.startswith(LINE_END) else 0
        end = self.head.find(LINE_END, max(begin, self.seen - 1))
        if end < 0:
            return
        self.fields = end + len(LINE_END)
        target = (*bytes(self.head[begin:end]).split(b" "), b"")[1]
        if UPLOADS_ROOT in target.partition(b"?")[0]:
            self.most = FIELDS_BYTES + UPLOAD_FIELDS_BYTES


def check_fields(fields: bytearray, most: int) -> None:
    """Checks the size of a block of fields; large ones must belong to uploads.

    Raises:
        LimitRequestHeaders: It is too large.
    """
    check_size(len(fields), most)
    if len(fields) > FIELDS_BYTES:
        lines = bytes(fields).split(LINE_END)
        others = (line for line in lines if line[: len(UPLOAD_FIELD)].lower() != UPLOAD_FIELD)
        check_size(sum(len(line) + len(LINE_END) for line in others), FIELDS_BYTES)


def check_size(size: int, most: int) -> None:
    if size > most:
        raise LimitRequestHeaders(
            f"all header fields together may have {FIELDS_BYTES // 1024} KiB; at upload addresses, "
            f"fields named Upload-… may have {UPLOAD_FIELDS_BYTES // 1024} KiB more"
        )


def install(settings: Any) -> None:
    """Installs this for the current process, if a test shows that it fits the installed gunicorn.

    Args:
        settings: The worker's. If it doesn't fit, single fields get gunicorn's own, narrower limit:
            then uploads of very many parts are refused.
    """
    RequestParser.mesg_class = BoundedRequest
    problem = fault(settings)
    if problem:
        RequestParser.mesg_class = Request
        settings.limit_request_field_size = CHUNK_LINE_BYTES
        logger.error(
            "THE LIMIT OF REQUEST HEADERS DOES NOT FIT THE INSTALLED GUNICORN: %s. Each field "
            "may have %s KiB instead. Install the release that requirements.txt names.",
            problem,
            CHUNK_LINE_BYTES // 1024,
        )


def fault(settings: Any) -> str:
    """Why reading requests in pieces, or refusing a long one, doesn't work; empty: it works."""
    fields = b"".join(b"X-%d: %b\r\n" % (number, b"a" * 4096) for number in range(20))
    line = b"GET /test HTTP/1.1\r\n"
    try:
        parsed = next(RequestParser(settings, iter((line[:9], line[9:], END[2:])), ("", 1)))
        if (parsed.method, parsed.path) != ("GET", "/test"):
            return f"a request was read as {parsed.method} {parsed.path}"
        next(RequestParser(settings, iter((line, fields, END[2:])), ("", 1)))
    except LimitRequestHeaders:
        return ""
    except Exception as problem:  # noqa: BLE001  (whatever another release may do)
        return f"{type(problem).__name__}: {problem}"
    return "a long head was not refused"
