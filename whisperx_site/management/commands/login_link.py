"""`manage.py login_link`: prints a link that logs a browser in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from whisperx_site.accounts import login_link
from whisperx_site.configuration.site_url import site_address
from whisperx_site.processes.preparation import is_running


class Command(BaseCommand):
    """Prints only the link to standard output, for scripts; remarks go to standard error."""

    help = "Print a link that logs a browser in as the first staff user, once, for 15 minutes."

    def handle(self, *args: Any, **options: Any) -> None:
        """Earlier links stop working."""
        link = login_link.make(site_address())
        if link is None:
            raise CommandError(
                "There is no active staff user: create one with `manage.py createsuperuser`."
            )
        if not is_running():
            self.stderr.write(
                "No site is running on this data folder. Starting one creates a new link, and this "
                "one stops working."
            )
        self.stdout.write(link)
