"""A full disk: staff can still log in and free it, and pages say what is wrong."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from uploads.services.maintenance import ballast
from whisperx_site.accounts.access import has_session

LOGIN = "/login"
ADMIN = "/admin"


class RoomForStaffMiddleware:
    """Frees ballast before forms of staff, because sessions and actions write to the database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST" and may_be_staff(request):
            ballast.make_room()
        return self.get_response(request)


def may_be_staff(request: HttpRequest) -> bool:
    """Whether staff may have sent the form: users that are logged in, or logging in."""
    if request.path_info.startswith(ADMIN):
        return has_session(request)
    return request.path_info.startswith(LOGIN)
