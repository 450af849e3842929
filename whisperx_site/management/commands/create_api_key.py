"""`manage.py create_api_key USER NAME`: creates a key for a program."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from uploads.management.output import write_json
from whisperx_site.accounts.models import ApiKey

LONGEST_NAME = ApiKey._meta.get_field("name").max_length or 100


class Command(BaseCommand):
    """Prints only the key to standard output, for scripts."""

    help = (
        "Create an API key, and print it: it is shown only now. A program sends it as "
        "`Authorization: Bearer KEY`, and acts as the user. To revoke it, delete it in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="whose key it is")
        parser.add_argument("name", help='what uses it, such as "n8n flow"')
        parser.add_argument("--days", type=float, help="it expires after so many; default: never")
        parser.add_argument("--json", action="store_true", help="print JSON, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model()._default_manager.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']!r}.")
        if not user.is_active:
            raise CommandError(f"The user {options['user']!r} is not active: no key would work.")
        if not 0 < len(options["name"]) <= LONGEST_NAME:
            raise CommandError(f"The name must have 1 to {LONGEST_NAME} characters.")
        key = ApiKey(user=user, name=options["name"], expires=end_after(options["days"]))
        secret = key.renew_secret()
        with transaction.atomic():
            key.save()
            LogEntry.objects.create(
                user=user,
                content_type=ContentType.objects.get_for_model(ApiKey),
                object_id=str(key.pk),
                object_repr=str(key),
                action_flag=ADDITION,
                change_message="Created by a command.",
            )
        if options["json"]:
            facts = {"key": secret, "user": options["user"], "name": key.name}
            write_json(self.stdout, {**facts, "expires": key.expires})
        else:
            self.stdout.write(secret)


def end_after(days: float | None) -> datetime | None:
    """When a key expires; None: never.

    Raises:
        CommandError: It would have expired already, or after all the years that there are.
    """
    if days is None:
        return None
    try:
        end = timezone.now() + timedelta(days=days)
    except (OverflowError, ValueError) as problem:
        raise CommandError("--days must be a number of days up to some thousands.") from problem
    if end <= timezone.now():
        raise CommandError("--days must be more than 0.")
    return end
