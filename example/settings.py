"""All settings that a site needs for resumable uploads; see docs/uploads.md."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = "of an example"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "uploads", "photos.Photos"]
UPLOADS_DIR = BASE_DIR / "files"
UPLOADS_HOOKS = "photos.PhotoHooks"
