"""The user of an API request; the framework imports this before any of its views."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request


class MiddlewareAuthentication(BaseAuthentication):
    """Access is decided by the site's middleware."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        """The user of the plain Django request."""
        return request._request.user, None
