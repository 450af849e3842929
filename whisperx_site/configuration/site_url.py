"""The site's address, for display."""

import socket

from django.conf import settings


def site_address() -> str:
    """The address that users open, without a trailing slash."""
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL)
    name = settings.HOST if settings.HOST not in ("0.0.0.0", "::") else socket.gethostname()
    name = f"[{name}]" if ":" in name.strip("[]") else name
    return f"http://{name}:{settings.PORT}"
