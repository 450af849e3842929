"""The reasons of refused upload requests, by HTTP status."""

BY_STATUS = {
    400: "malformed",
    401: "no_access",
    403: "forbidden",
    404: "not_found",
    405: "method",
    408: "timeout",
    409: "offset_conflict",
    410: "ended",
    411: "length_missing",
    412: "version_or_condition",
    413: "too_large",
    415: "not_accepted",
    416: "range",
    429: "too_many",
    431: "cookies_too_large",
    460: "checksum",
    500: "internal_error",
    503: "unavailable",
    507: "disk_full",
}
OTHER = "other"
REASONS = (*BY_STATUS.values(), OTHER)


def reason_of(status: int) -> str:
    return BY_STATUS.get(status, OTHER)
