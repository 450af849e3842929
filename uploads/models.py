"""Upload rows. `uploads.services` alone changes them, by conditional UPDATE."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class State(models.TextChoices):
    """The state of an upload. Only RECEIVING changes into other states, and FINISHED into
    TERMINATED."""

    RECEIVING = "receiving", "receiving"
    FINISHED = "finished", "finished"
    REFUSED = "refused", "refused"
    TERMINATED = "terminated", "terminated"
    EXPIRED = "expired", "expired"


class Concat(models.TextChoices):
    """An upload's role in a concatenation (tus: concatenation)."""

    NONE = "", "–"
    PARTIAL = "partial", "part"
    FINAL = "final", "joined from parts"


class Upload(models.Model):
    """One upload session.

    The store knows how many bytes are held; `offset` is the last acknowledged value, for display.

    Attributes:
        head: The first bytes, on the copy of the row in the request that received them.
    """

    head: bytes | None = None

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # When an owner is deleted, `uploads.receivers` ends their uploads: a cascade would load all of
    # them at once and leave their files behind.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    state = models.CharField(max_length=12, choices=State, default=State.RECEIVING)
    offset = models.BigIntegerField(default=0, help_text="Bytes acknowledged.")
    length = models.BigIntegerField(null=True, help_text="In bytes; empty: not known yet.")
    metadata = models.TextField(blank=True, help_text="Upload-Metadata, as the client sent it.")
    file_name = models.TextField(blank=True, help_text="As the client calls it; never a path.")
    file_type = models.TextField(blank=True, help_text="As the client claims.")
    concat = models.CharField(max_length=7, choices=Concat, blank=True, default=Concat.NONE)
    concat_header = models.TextField(blank=True, help_text="Upload-Concat, as the client sent it.")
    client_address = models.CharField(max_length=64, blank=True)
    client_agent = models.TextField(blank=True)
    created = models.DateTimeField(default=timezone.now)
    last_activity = models.DateTimeField(default=timezone.now)
    finished = models.DateTimeField(null=True, blank=True)
    expires = models.DateTimeField(null=True, blank=True)
    requests = models.PositiveIntegerField(default=0, help_text="Requests that brought bytes.")
    interruptions = models.PositiveIntegerField(
        default=0, help_text="Request bodies that were cut off."
    )
    failure = models.TextField(blank=True, help_text="The last error.")
    timeline = models.TextField(
        blank=True, default="", editable=False, help_text="See `services.activity.timeline`."
    )
    header_checked = models.BooleanField(
        default=False, db_column="judged", help_text="The first bytes were checked."
    )
    notified_at = models.DateTimeField(
        null=True,
        blank=True,
        db_column="announced",
        help_text="When the site was notified of the finished upload.",
    )
    has_bytes = models.BooleanField(default=True, help_text="The store may still hold bytes.")
    final_key = models.CharField(  # noqa: DJ001  (NULL: old tables need no rewrite)
        max_length=64,
        null=True,
        editable=False,
        help_text="Identifies the request for a final upload.",
    )
    lost = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When bytes of the finished upload were found to be missing.",
    )

    class Meta:
        ordering = ("-created",)
        constraints = (
            # Keeps other uploads out of its index.
            models.UniqueConstraint(
                fields=("final_key",),
                condition=models.Q(
                    final_key__isnull=False, state__in=(State.RECEIVING, State.FINISHED)
                ),
                name="uploads_one_final",
            ),
        )
        indexes = (
            models.Index(fields=("state", "expires"), name="uploads_state_expires"),
            models.Index(fields=("-created",), name="uploads_created"),
            # Only rows whose client's address is still known.
            models.Index(
                fields=("created",),
                condition=~models.Q(client_address=""),
                name="uploads_with_address",
            ),
        )

    def __str__(self) -> str:
        return self.file_name or self.id.hex


class Part(models.Model):
    """One part of a final upload, with its position."""

    final = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    position = models.PositiveIntegerField()
    part = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="finals")

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=("final", "position"), name="uploads_part_place"),
        )

    def __str__(self) -> str:
        return f"part {self.position} of {self.final_id}"


class StoreIdentity(models.Model):
    """The identity that ties this database to its upload store: one row, repeated in the store.

    See docs/decisions/0009-store-and-database-share-an-identity.md.

    Attributes:
        previous: The identity that the store may still carry: this database's own if it is
            joined, else that of the database whose rows were moved here.
    """

    THE_ROW = 1

    identity = models.UUIDField(default=uuid.uuid4)
    previous = models.UUIDField(null=True, editable=False)
    joined = models.BooleanField(default=False, help_text="The store has this identity.")
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.identity.hex


class CleanupRun(models.Model):
    """One cleanup run: what it removed and what went wrong."""

    class Trigger(models.TextChoices):
        """What started the run."""

        SCHEDULE = "schedule", "schedule"
        START = "start", "start of the site"
        COMMAND = "command", "command"
        STAFF = "staff", "staff"

    started = models.DateTimeField(default=timezone.now)
    ended = models.DateTimeField(null=True)
    trigger = models.CharField(max_length=10, choices=Trigger)
    dry_run = models.BooleanField(default=False)
    expired = models.PositiveIntegerField(default=0, help_text="Uploads that expired.")
    recovered = models.PositiveIntegerField(
        default=0, help_text="Uploads finished or notified after a crash."
    )
    strays = models.PositiveIntegerField(default=0, help_text="Files that belonged to no upload.")
    orphans_kept = models.PositiveIntegerField(
        default=0, help_text="Files that belong to no upload, kept until staff confirm."
    )
    orphans_kept_bytes = models.BigIntegerField(default=0)
    lost = models.PositiveIntegerField(
        default=0, help_text="Finished uploads that have lost bytes."
    )
    bytes_freed = models.BigIntegerField(default=0)
    details = models.JSONField(default=list, help_text="What was done, line by line.")
    errors = models.JSONField(default=list)

    class Meta:
        ordering = ("-started",)

    def __str__(self) -> str:
        return f"{self.started:%Y-%m-%d %H:%M} ({self.trigger})"


class Heartbeat(models.Model):
    """One row: when the site was last known to run. See `services.maintenance.heartbeat`."""

    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"
