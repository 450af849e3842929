"""The settings of the site itself, each declared once. The apps declare theirs in their conf.py."""

from uploads.conf import Option

# Defaults that this site sets differently from the apps; they can still be changed.
SITE_DEFAULTS = {"UPLOADS_ACCEPT": "media", "UPLOADS_DIR": "uploads"}
# Help texts that differ on this site.
SITE_HELP = {"UPLOADS_DIR": "The folder for uploaded files; relative to DATA_DIR."}
# Fixed by the code of this site; not settable from outside.
FIXED = {
    "UPLOADS_HOOKS": "transcription.hooks.TranscriptionHooks",
    "UPLOADS_QUEUE": "uploads.queues.django_q.DjangoQ",
}


class SiteOptions:
    """The settings of the site."""

    HOST = Option("text", "127.0.0.1", "The address that the web server listens on.")
    PORT = Option("port", 8000, "The port that the web server listens on.")
    DATA_DIR = Option("path", "var", "The folder for the database, uploads, keys and models.")
    PUBLIC_URL = Option(
        "url",
        "",
        "The address that users open, such as https://transcripts.example.org. With https, HSTS, "
        "the redirect and secure cookies are on.",
    )
    ALLOW_ANONYMOUS = Option("flag", False, "Serve everyone who can reach the site, without login.")
    ADMIN_PASSWORD = Option(
        "text",
        "",
        "The password of the first staff user `admin`; generated and printed if empty.",
    )
    ALLOWED_HOSTS: Option[list[str]] = Option(
        "list",
        [],
        "Host names to serve; default: this machine's and PUBLIC_URL's, or all if HOST is not a "
        "loopback address.",
    )
    CORS_ALLOWED_ORIGINS: Option[list[str]] = Option(
        "list",
        [],
        "Origins whose pages may call this site; default: this machine, any port. `*`: all.",
    )
    CORS_ALLOW_HEADERS: Option[list[str]] = Option(
        "list",
        [],
        "More request headers that such pages may send, besides those of tus, the API and tracing "
        "tools.",
    )
    SECRET_KEY = Option("text", "", "Generated at the first start and kept in DATA_DIR if empty.")
    DATABASE_URL = Option(
        "text", "", "Such as postgres://user:password@host/name; default: SQLite in DATA_DIR."
    )
    DATABASE_POOL = Option("count", 20, "PostgreSQL connections per web server process, at most.")
    CACHE_URL = Option("text", "locmemcache://", "Django's cache, such as redis://127.0.0.1/0.")
    WEB_WORKERS = Option("count", 2, "Web server processes.")
    WEB_SERVER = Option(
        "server",
        "auto",
        "`gunicorn`, `granian`, or `auto`: gunicorn, but granian on Windows.",
    )
    LIGHT_WORKERS = Option("count", 2, "Processes of the housekeeping worker.")
    HEAVY_WORKERS = Option("count", 1, "Jobs that run at the same time on this machine.")
    WORKER_STALL_TIMEOUT = Option(
        "seconds",
        15 * 60,
        "A housekeeping worker without progress for this time is restarted.",
        old_name="STUCK_AFTER",
    )
    METRICS = Option(
        "flag",
        False,
        "Serve /metrics for Prometheus, and count what it shows; keys of staff open it.",
    )
    METRICS_ALLOWED_NETWORKS: Option[list[str]] = Option(
        "networks",
        [],
        "Networks whose machines may read /metrics without a key, such as 10.0.0.0/8; a request "
        "that a proxy forwards needs one.",
    )
    HSTS_SECONDS = Option(
        "seconds", 365 * 86400, "How long browsers insist on https, if PUBLIC_URL is https."
    )
    DEBUG = Option("flag", False, "Django's debug pages. Never on a server that others can reach.")
    LOG_LEVEL = Option("level", "INFO", "DEBUG, INFO, WARNING or ERROR.")
    LOG_FORMAT = Option(
        "log format",
        "text",
        "`text`: lines for people. `json`: one JSON object a line, with the ids of request, upload "
        "and job.",
    )
    TIME_ZONE = Option("time zone", "UTC", "The time zone of pages and admin, such as Europe/Riga.")
