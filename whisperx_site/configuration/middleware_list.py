"""The site's middleware: one list, from which the shorter lists for upload requests are derived."""

from transcription.http import csp

PAGES = "pages"
"""For every address except those of uploads."""
BROWSERS = "browsers"
"""Also for uploads, but only if a browser sends the request."""
ALL = "all"
"""For every request."""

KEEPS_METHOD = "whisperx_site.middleware.https.KeptMethodMiddleware"
WITHOUT_BROWSER = "whisperx_site.serving.fast_path.NoBrowserMiddleware"
"""Replaces all middleware for browsers."""

MIDDLEWARE = (
    ("whisperx_site.middleware.unread_bodies.UnreadBodyMiddleware", PAGES),
    ("whisperx_site.middleware.responses.AnswersMiddleware", PAGES),
    ("uploads.middleware.TusMiddleware", ALL),
    ("corsheaders.middleware.CorsMiddleware", BROWSERS),
    ("whisperx_site.middleware.cookies.CookieBoundMiddleware", BROWSERS),
    (KEEPS_METHOD, ALL),
    ("django.middleware.security.SecurityMiddleware", ALL),
    ("whisperx_site.middleware.static_files.StaticFilesMiddleware", PAGES),
    (csp.MIDDLEWARE, PAGES),
    ("django.middleware.clickjacking.XFrameOptionsMiddleware", PAGES),
    ("django.contrib.sessions.middleware.SessionMiddleware", BROWSERS),
    ("django.contrib.auth.middleware.AuthenticationMiddleware", BROWSERS),
    ("whisperx_site.accounts.access.AccessMiddleware", ALL),
    ("whisperx_site.middleware.full_disk.RoomForStaffMiddleware", PAGES),
    ("whisperx_site.middleware.page_bodies.PageBodyMiddleware", PAGES),
    ("django.middleware.csrf.CsrfViewMiddleware", BROWSERS),
    ("whisperx_site.accounts.csrf.SessionCsrfMiddleware", BROWSERS),
    ("django.contrib.messages.middleware.MessageMiddleware", PAGES),
    ("whisperx_site.accounts.hashing.HashingPlacesMiddleware", PAGES),
    ("whisperx_site.middleware.invalid_values.OddValuesMiddleware", PAGES),
)


def of_site(is_https: bool) -> list[str]:
    return [name for name, _ in MIDDLEWARE if is_https or name != KEEPS_METHOD]


def of_uploads(is_https: bool) -> list[str]:
    wanted = {name for name, concerns in MIDDLEWARE if concerns != PAGES}
    return [name for name in of_site(is_https) if name in wanted]


def of_uploads_without_browser(is_https: bool) -> list[str]:
    """For upload addresses, if the request has nothing that only browsers send."""
    wanted = {name for name, concerns in MIDDLEWARE if concerns == ALL}
    return [WITHOUT_BROWSER, *(name for name in of_site(is_https) if name in wanted)]
