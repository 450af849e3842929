"""Who asks the API."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request


class MiddlewareAuthentication(BaseAuthentication):
    """The site's middleware has decided who asks and whether they are served."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        """The person of the plain Django request."""
        return request._request.user, None
