"""tus 1.0.0 on the wire: header names, parsing and formatting. Pure functions.

A request with `Tus-Resumable` uses tus. The IETF's successor could share URLs and rows: this module
would recognise it by its own headers.
"""

import base64
import binascii
import re
from datetime import datetime
from email.utils import formatdate
from functools import lru_cache

from uploads.errors import BadRequest

VERSION = "1.0.0"
CONTENT_TYPE = "application/offset+octet-stream"
LONGEST_METADATA = 16 * 1024
LONGEST_TOLD_CONCAT = 2 * 1024
MOST_PARTS = 1000  # parts in one final upload
BEYOND = 2**63  # stands for every number that is too large for databases and files

DIGITS = re.compile("[0-9]+")
METADATA_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]+")  # visible ASCII, no blank, no comma


def parse_number(name: str, text: str) -> int:
    """Parses a non-negative whole number (Upload-Offset, Upload-Length).

    Args:
        name: The header's name, for the message.
        text: Its value: digits only, leading zeros allowed.

    Returns:
        The number, or BEYOND for any larger one, which is well-formed but matches no upload.

    Raises:
        BadRequest: The value is anything else.
    """
    if not DIGITS.fullmatch(text):
        raise BadRequest(f"{name} must be a whole number of bytes, zero or more.")
    digits = text.lstrip("0")
    return min(int(digits or "0"), BEYOND) if len(digits) < 20 else BEYOND


def parse_metadata(text: str) -> dict[str, bytes]:
    """Parses Upload-Metadata into its key and value pairs, in order.

    Keys are unique ASCII without blanks and commas; values are Base64 and optional.

    Raises:
        BadRequest: The header breaks one of these rules or is longer than LONGEST_METADATA.
    """
    if len(text) > LONGEST_METADATA:
        raise BadRequest(f"Upload-Metadata may have at most {LONGEST_METADATA} characters.")
    pairs: dict[str, bytes] = {}
    if not text.strip(" \t"):
        return pairs
    for part in text.split(","):
        key, blank, value = part.strip(" ").partition(" ")
        if not METADATA_KEY.fullmatch(key):
            raise BadRequest("Upload-Metadata has an empty key, or one that is not plain ASCII.")
        if key in pairs:
            raise BadRequest(f"Upload-Metadata names the key {key} twice.")
        try:
            pairs[key] = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as problem:
            raise BadRequest(f"The value of {key} in Upload-Metadata is not Base64.") from problem
    return pairs


def shown_metadata(text: str) -> list[tuple[str, str]]:
    """Upload-Metadata for display; values that are not text are shown by their bytes.

    A malformed header is shown unchanged, under an empty key.
    """
    try:
        return [(key, shown_value(value)) for key, value in parse_metadata(text).items()]
    except BadRequest:
        return [("", text)]


def shown_value(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return repr(value)[2:-1]


def parse_concat(header: str) -> list[str] | None:
    """Parses Upload-Concat.

    Returns:
        The URLs of a final upload's parts, or None if the upload is a part itself.

    Raises:
        BadRequest: It is neither `partial` nor `final;` with up to MOST_PARTS URLs.
    """
    kind, semicolon, rest = header.strip().partition(";")
    if kind == "partial" and not semicolon:
        return None
    addresses = [address for address in rest.split(" ") if address]
    if len(addresses) > MOST_PARTS:
        raise BadRequest(f"Upload-Concat may name at most {MOST_PARTS} parts. Send larger parts.")
    if kind == "final" and addresses:
        return addresses
    raise BadRequest("Upload-Concat must be `partial`, or `final;` and the URLs of the parts.")


def format_concat(header: str) -> str:
    """Upload-Concat for HEAD: as POST sent it, but with an empty list if proxies (4 KiB for all
    headers) or clients (Node: 16 KiB) could not read it."""
    return header if len(header) <= LONGEST_TOLD_CONCAT else "final;"


def format_expires(moment: datetime) -> str:
    """Formats a time for headers: an RFC 9110 date in GMT."""
    return _format_seconds(int(moment.timestamp()))


@lru_cache(maxsize=64)  # cached: uploads with activity in the same second expire in the same one
def _format_seconds(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def is_upload_data(content_type: str) -> bool:
    """Whether a Content-Type is that of upload data; parameters are ignored."""
    return content_type.partition(";")[0].strip().lower() == CONTENT_TYPE
