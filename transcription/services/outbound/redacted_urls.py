"""URLs of clients without passwords and keys, for logs."""

import re
from urllib.parse import urlsplit

LONGEST = 200  # characters
UNREADABLE = "an address that cannot be read"
CREDENTIALS = re.compile(r"(?<=//)[^\s/]*@")
QUERY = re.compile(r"[?#][^\s'\"]*")


def told_url(url: str) -> str:
    """Scheme, host, port and path of a URL, without user, password, query and fragment."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return UNREADABLE
    if not host or "@" in host or "\\" in parts.netloc:  # parsers disagree where it ends
        return UNREADABLE
    named = f"[{host}]" if ":" in host else host
    return shortened(f"{parts.scheme}://{named}{f':{port}' if port else ''}{parts.path}")


def told_problem(problem: Exception) -> str:
    """An HTTP client's error message, without parts of a URL that may be secret."""
    text = QUERY.sub("", CREDENTIALS.sub("", str(problem)))
    return shortened(text) or type(problem).__name__


def shortened(text: str) -> str:
    """The text, shortened to LONGEST characters."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
