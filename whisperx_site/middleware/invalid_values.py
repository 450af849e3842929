"""Values that no database can store or look up: the client's error, not the server's."""

from collections.abc import Callable
from types import TracebackType

from django.core.exceptions import BadRequest, ValidationError
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse, QueryDict

from whisperx_site.views import problem

ADMIN = "/admin/"


class NulInForm(BadRequest):
    """A form field contains the character NUL."""

    def __init__(self) -> None:
        super().__init__("A field of the form contains the character NUL. Remove it and try again.")


class PageRequest(WSGIRequest):
    """A request that refuses forms with NUL: PostgreSQL accepts it in no field."""

    def _load_post_and_files(self) -> None:
        super()._load_post_and_files()
        fields: QueryDict = self._post  # type: ignore[attr-defined]
        if any("\0" in text for name, texts in fields.lists() for text in (name, *texts)):
            self._mark_post_parse_error()  # type: ignore[attr-defined]  # must not be used
            raise NulInForm


class PagesHandler(WSGIHandler):
    """Serves everything except uploads."""

    request_class = PageRequest


class OddValuesMiddleware:
    """Turns values that the admin can't look up into 400.

    Django's admin uses parts of the URL in queries unchecked: filters, identifiers, the rows of an
    action. It handles some invalid values itself, but not all.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Only if the exception was caused by a requested value."""
        if not (request.path_info.startswith(ADMIN) and is_of_odd_value(exception)):
            return None
        return problem(request, 400, "This address or form names something that can't be found.")


def is_of_odd_value(exception: Exception) -> bool:
    """Whether a value has the wrong type for its field, or is out of range."""
    if isinstance(exception, ValidationError | DataError):
        return True
    return isinstance(exception, ValueError | OverflowError) and is_from_query(exception)


def is_from_query(exception: Exception) -> bool:
    """Whether Django raised it while building a query from values."""
    trace: TracebackType | None = exception.__traceback__
    module = ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return module.startswith(("django.db.", "django.contrib.admin.views."))
