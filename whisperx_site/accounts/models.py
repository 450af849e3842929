"""API keys, login links and login attempts."""

import hashlib
import logging
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, models
from django.utils import timezone

from uploads.services.error_mapping import is_disk_full

logger = logging.getLogger(__name__)

PREFIX = "wxs_"
# A key's last use is written at most this often, to save an UPDATE per request.
NOTE_USE_EVERY = timedelta(minutes=5)


def digest_of(secret: str) -> str:
    """The stored digest of a key: with 256 random bits, one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


class ApiKey(models.Model):
    """A key for `Authorization: Bearer …`. The secret itself is shown once and never stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=100, help_text="What uses it, such as “n8n flow”.")
    start = models.CharField(max_length=12, editable=False, help_text="The key's first characters.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    expires = models.DateTimeField(null=True, blank=True, help_text="Empty: it does not expire.")
    last_used = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ("-created",)

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"

    def renew_secret(self) -> str:
        """Give this row a fresh secret, to be shown once; the caller saves the row."""
        secret = PREFIX + secrets.token_urlsafe(32)
        self.start = secret[:12]
        self.digest = digest_of(secret)
        return secret


class LocalKey(models.Model):
    """A key that was written to `local_key` in the data folder (see `local_key`).

    It stays when its ApiKey is deleted: a revoked key must not come back with a restart.
    """

    digest = models.CharField(max_length=64, unique=True)
    made = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"of {self.made}"


class LoginLink(models.Model):
    """A link that logs a browser in, once (see `login_link`); using it deletes the row."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    expires = models.DateTimeField()

    def __str__(self) -> str:
        return f"for {self.user} until {self.expires}"


class LoginAttempt(models.Model):
    """A login attempt of the last minutes; see `throttle`. Never the password itself."""

    address = models.CharField(max_length=64)
    name_digest = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        indexes = [models.Index(fields=("address", "name_digest"))]

    def __str__(self) -> str:
        return f"{self.address} at {self.at}"


def find_key(secret: str) -> ApiKey | None:
    """The valid key with this secret and an active user; records its use. Else None."""
    key = (
        ApiKey.objects.select_related("user")
        .filter(digest=digest_of(secret), user__is_active=True)
        .first()
    )
    now = timezone.now()
    if key is None or (key.expires and key.expires <= now):
        return None
    if key.last_used is None or abs(now - key.last_used) > NOTE_USE_EVERY:
        note_use(key, now)
    return key


def note_use(key: ApiKey, now: datetime) -> None:
    """Records the key's last use; on a full disk the request is served anyway."""
    try:
        ApiKey.objects.filter(pk=key.pk).update(last_used=now)
    except DatabaseError as problem:
        if not is_disk_full(problem):
            raise
        logger.warning("the disk is full: the use of key %s is not recorded", key.start)
