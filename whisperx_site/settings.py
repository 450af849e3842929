"""Django settings. Every value that can be set from outside is declared in an options class."""

import os
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from transcription.api.schema.options import SPECTACULAR_SETTINGS  # noqa: F401  (a setting)
from transcription.conf import TranscriptionConf
from uploads.conf import UploadsConf
from whisperx_site.configuration import middleware_list, secret_key
from whisperx_site.configuration.environment import open_environment, read_all
from whisperx_site.configuration.loopback import LOOPBACK_NAMES, is_loopback
from whisperx_site.configuration.options import FIXED, SITE_DEFAULTS, SiteOptions
from whisperx_site.middleware.bounds import FORM_BYTES

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = open_environment(BASE_DIR)
SITE = read_all(ENVIRONMENT, SiteOptions)
PRODUCT_VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]["version"]

HOST: str = SITE["HOST"]
PORT: int = SITE["PORT"]
DEBUG: bool = SITE["DEBUG"]
ALLOW_ANONYMOUS: bool = SITE["ALLOW_ANONYMOUS"]
PUBLIC_URL: str = SITE["PUBLIC_URL"]
METRICS: bool = SITE["METRICS"]
METRICS_ALLOWED_NETWORKS: list[str] = SITE["METRICS_ALLOWED_NETWORKS"]
DATA_DIR = (BASE_DIR / Path(SITE["DATA_DIR"]).expanduser()).resolve()
try:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as problem:
    raise ImproperlyConfigured(f"DATA_DIR can't be created: {problem}") from problem
METRICS_DIR = DATA_DIR / "metrics"
try:
    SECRET_KEY = SITE["SECRET_KEY"] or secret_key.load(DATA_DIR / "secret_key")
except OSError as problem:
    raise ImproperlyConfigured(
        f"The secret key can't be stored in DATA_DIR: {problem}"
    ) from problem

# The apps' own options become Django settings of the same name; paths are within DATA_DIR.
OPTIONS = read_all(ENVIRONMENT, UploadsConf, SITE_DEFAULTS)
OPTIONS |= read_all(ENVIRONMENT, TranscriptionConf, SITE_DEFAULTS)
OPTIONS |= FIXED
for name in ("UPLOADS_DIR", "MODELS_DIR", "WORK_DIR"):
    OPTIONS[name] = str(DATA_DIR / OPTIONS[name])
globals().update(OPTIONS)

# Access from outside ---------------------------------------------------------------------------

PUBLIC = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS: list[str] = SITE["ALLOWED_HOSTS"] or (
    [*LOOPBACK_NAMES, *([PUBLIC.hostname] if PUBLIC.hostname else [])]
    if is_loopback(HOST)
    else ["*"]
)
CSRF_TRUSTED_ORIGINS = [f"{PUBLIC.scheme}://{PUBLIC.netloc}"] if PUBLIC.netloc else []

CORS_URLS_REGEX = r"^.*$"
CORS_ALLOW_ALL_ORIGINS = "*" in SITE["CORS_ALLOWED_ORIGINS"]
CORS_ALLOWED_ORIGINS = [origin for origin in SITE["CORS_ALLOWED_ORIGINS"] if origin != "*"]
CORS_ALLOWED_ORIGIN_REGEXES = (
    [] if SITE["CORS_ALLOWED_ORIGINS"] else [r"^https?://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$"]
)
CORS_ALLOW_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
CORS_ALLOW_HEADERS = [
    *("accept", "authorization", "content-type", "range", "user-agent"),
    *("x-csrftoken", "x-http-method-override", "x-request-id", "x-requested-with"),
    *("tus-resumable", "upload-length", "upload-offset", "upload-metadata"),
    *("upload-defer-length", "upload-concat", "upload-checksum"),
    *("baggage", "sentry-trace", "traceparent", "tracestate", "cache-control"),  # of tracing tools
    *(name.lower() for name in SITE["CORS_ALLOW_HEADERS"]),
]
# Cookies are only sent for named origins, never for all.
CORS_ALLOW_CREDENTIALS = bool(CORS_ALLOWED_ORIGINS) and not CORS_ALLOW_ALL_ORIGINS
CORS_EXPOSE_HEADERS = [
    *("Location", "Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size"),
    *("Tus-Checksum-Algorithm", "Upload-Offset", "Upload-Length", "Upload-Metadata"),
    *("Upload-Expires", "Upload-Defer-Length", "Upload-Concat"),
    *(
        "X-Task-Id",
        "X-Transcription-Engine",
        "X-Transcription-Model",
        "X-Request-ID",
        "Retry-After",
    ),
    *("Accept-Ranges", "Content-Range", "Content-Disposition"),
]
CORS_PREFLIGHT_MAX_AGE = 86400

# A proxy terminates https and says so; everything else follows from PUBLIC_URL's scheme.
HTTPS = PUBLIC.scheme == "https"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_SSL_HOST = PUBLIC.netloc if HTTPS else None  # never to a host from the request
SECURE_REDIRECT_EXEMPT = [r"^health(/|$)", r"^metrics$"]
SECURE_HSTS_SECONDS = SITE["HSTS_SECONDS"] if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = HTTPS
# Several sites run on one machine: cookies ignore ports, so the name contains the port.
SESSION_COOKIE_NAME = f"session_{PORT}"
CSRF_COOKIE_NAME = f"csrftoken_{PORT}"
KNOWN_BROWSER_COOKIE_NAME = f"known_{PORT}"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "whisperx_site.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "blob:", "data:"],
    "media-src": ["'self'", "blob:"],
    "object-src": ["'none'"],
    "base-uri": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": SECURE_CSP}  # its name on Django 5.2, see http/csp.py

# The application -------------------------------------------------------------------------------

INSTALLED_APPS = [
    "whisperx_site.apps.SiteConfig",
    "whisperx_site.accounts",
    "uploads",
    "transcription",
    "django_q",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "whitenoise.runserver_nostatic",
    "whisperx_site.apps.SiteAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = middleware_list.of_site(HTTPS)
UPLOADS_MIDDLEWARE = middleware_list.of_uploads(HTTPS)
TOOLS_MIDDLEWARE = middleware_list.of_uploads_without_browser(HTTPS)
ROOT_URLCONF = "whisperx_site.urls"
WSGI_APPLICATION = "whisperx_site.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
PASSWORD_HASHERS = ["whisperx_site.accounts.hashing.PlacedPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
REST_FRAMEWORK = {
    # Access is decided once, in AccessMiddleware.
    "DEFAULT_AUTHENTICATION_CLASSES": ["transcription.api.authentication.MiddlewareAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "transcription.api.schema.described.DescribedSchema",
    "EXCEPTION_HANDLER": "transcription.api.errors.handle",
}

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = SITE["TIME_ZONE"]

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
DOCUMENTATION_ASSETS = f"{STATIC_URL}documentation/"  # see whisperx_site.middleware.static_files
STATICFILES_DIRS = [
    (name, path) for name, path in [("uppy", BASE_DIR / "node_modules/uppy/dist")] if path.is_dir()
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whisperx_site.middleware.static_files.HashedStaticStorage"},
}

# Data ------------------------------------------------------------------------------------------

DATABASES = {
    "default": ENVIRONMENT.db_url_config(
        SITE["DATABASE_URL"] or f"sqlite:///{(DATA_DIR / 'db.sqlite3').as_posix()}"
    )
}
# Connections last as long as the client's: opening SQLite for each request costs three times the
# request itself.
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # Behind PgBouncer in transaction mode nothing outlives its transaction. Django only prepares
    # statements on the server if configured; server-side cursors are the only other case.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
    if os.environ.get("SITE_PROCESS") == "web":
        # A server process has a greenlet or a thread for each client; PostgreSQL has 100
        # connections.
        DATABASES["default"]["CONN_MAX_AGE"] = 0
        DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
            "min_size": 1,
            "max_size": SITE["DATABASE_POOL"],
            "timeout": 10,
            # A database that comes back finds few dead connections, each of which costs a second.
            "max_idle": 30,
            # Nor should requests wait twice: attempts to connect get rarer by themselves.
            "reconnect_timeout": 2,
        }
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Write transactions take the lock at their start and wait for it: with Django's defaults three
    # in four fail under a web server and a cluster.
    SYNCHRONOUS = "FULL" if OPTIONS["UPLOADS_DURABILITY"] == "power" else "NORMAL"
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        # The log shrinks again after a time in which it could not be emptied.
        "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={SYNCHRONOUS}; "
        "PRAGMA journal_size_limit=16777216;",
    }
    if os.environ.get("SITE_PROCESS") == "web":
        DATABASES["default"]["ENGINE"] = "whisperx_site.serving.sqlite_pool"
CACHES = {"default": ENVIRONMENT.cache_url_config(SITE["CACHE_URL"])}

# Django never reads the body of an upload; this only limits forms.
DATA_UPLOAD_MAX_MEMORY_SIZE = FORM_BYTES

DAY = 86400
Q_CLUSTER = {
    "name": "whisperx",
    "label": "Queue",
    "orm": "default",
    "workers": SITE["LIGHT_WORKERS"],
    "queue_limit": 2,
    "bulk": 1,
    "poll": 0.5,
    "timeout": 600,
    # Never delivered again by the queue itself: leases and sweeps recover lost jobs.
    "retry": 30 * DAY,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": 250,
    "recycle": 500,
    "ALT_CLUSTERS": {
        "heavy": {
            "workers": SITE["HEAVY_WORKERS"],
            "queue_limit": 1,
            "timeout": 7 * DAY,
            "recycle": 500,
            "scheduler": False,
        },
    },
}

LOG_LEVEL: str = SITE["LOG_LEVEL"].upper()
LOGGING_CONFIG = "whisperx_site.configuration.logs.configure"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "()": "whisperx_site.configuration.logs.LineFormatter",
            "format": "%(asctime)s %(process_name)-5s %(levelname)-7s %(name)s: %(message)s",
            "datefmt": "%Y-%m-%d %H:%M:%S",
        },
        "json": {"()": "whisperx_site.configuration.logs.JsonFormatter"},
    },
    "filters": {"faults": {"()": "whisperx_site.configuration.logs.FaultsAlone"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": SITE["LOG_FORMAT"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.server": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        # django-q logs every process and task; our own log lines say what matters.
        "django-q": {
            "handlers": ["console"],
            "level": "INFO" if LOG_LEVEL == "DEBUG" else "WARNING",
            "propagate": False,
        },
        # The client sees refusals; only our own errors are logged.
        "django.request": {
            "handlers": [],
            "level": "ERROR",
            "filters": ["faults"],
            "propagate": True,
        },
        "django.security": {"handlers": [], "level": "CRITICAL", "propagate": True},
        # It warns about every HEAD whose response would have content; leaving that out is its task.
        "gunicorn.http.wsgi": {"handlers": [], "level": "ERROR", "propagate": True},
        # It logs every outgoing request; URLs may contain secrets.
        "httpx2": {"handlers": [], "level": "WARNING", "propagate": True},
        "gunicorn.error": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
    },
}
