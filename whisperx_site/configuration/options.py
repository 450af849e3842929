"""The settings of the site itself, each declared once. The apps declare theirs in their conf.py."""

from uploads.conf import Option

# What this site wants otherwise than the apps; people may set it to something else again.
SITE_DEFAULTS = {"UPLOADS_ACCEPT": "media"}
# What this site is made of; nobody sets it from outside.
FIXED = {"UPLOADS_HOOKS": "transcription.hooks.TranscriptionHooks"}


class SiteOptions:
    """What can be set about the site."""

    HOST = Option("text", "127.0.0.1", "The address that the web server listens on.")
    PORT = Option("port", 8000, "The port that the web server listens on.")
    DATA_DIR = Option("path", "var", "Database, uploads, keys and models lie here.")
    PUBLIC_URL = Option(
        "url",
        "",
        "The address people use, such as https://transcripts.example.org; with https come HSTS, "
        "the redirect and secure cookies.",
    )
    ALLOW_ANONYMOUS = Option("flag", False, "Serve everyone who reaches the site without login.")
    ADMIN_PASSWORD = Option(
        "text", "", "The password of the first staff user `admin`; made and printed if absent."
    )
    ALLOWED_HOSTS: Option[list[str]] = Option(
        "list",
        [],
        "Host names that are answered; default: this machine's, PUBLIC_URL's, and all where HOST "
        "is not a loopback address.",
    )
    CORS_ALLOWED_ORIGINS: Option[list[str]] = Option(
        "list",
        [],
        "Origins whose pages may call this site; default: this machine's, any port. `*`: all.",
    )
    CORS_ALLOW_HEADERS: Option[list[str]] = Option(
        "list",
        [],
        "More request headers that such pages may send, besides those of tus, of the API and of "
        "tracing tools.",
    )
    SECRET_KEY = Option("text", "", "Made at the first start and kept in DATA_DIR if absent.")
    DATABASE_URL = Option(
        "text", "", "Such as postgres://user:password@host/name; default: SQLite in DATA_DIR."
    )
    DATABASE_POOL = Option(
        "count", 20, "PostgreSQL connections that each process of the web server has at most."
    )
    CACHE_URL = Option("text", "locmemcache://", "Django's cache, such as redis://127.0.0.1/0.")
    WEB_WORKERS = Option("count", 2, "Processes of the web server.")
    WEB_SERVER = Option(
        "server",
        "auto",
        "`gunicorn`, `granian`, or `auto`: gunicorn where it runs, granian on Windows.",
    )
    LIGHT_WORKERS = Option("count", 2, "Processes for housekeeping tasks.")
    HEAVY_WORKERS = Option("count", 1, "Jobs that run at once on this machine.")
    WORKER_STALL_TIMEOUT = Option(
        "seconds",
        15 * 60,
        "A light worker that makes no progress for so long is restarted.",
        old_name="STUCK_AFTER",
    )
    HSTS_SECONDS = Option(
        "seconds", 365 * 86400, "How long browsers keep to https, where PUBLIC_URL is https."
    )
    DEBUG = Option("flag", False, "Django's debug pages. Never for a server that others can reach.")
    LOG_LEVEL = Option("level", "INFO", "DEBUG, INFO, WARNING or ERROR.")
    TIME_ZONE = Option("time zone", "UTC", "The time zone of pages and admin, such as Europe/Riga.")
