"""`manage.py login_link`: a way in for the browser of whoever may run commands here."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from whisperx_site.accounts import login_link
from whisperx_site.configuration.site_url import site_address
from whisperx_site.processes.preparation import is_running


class Command(BaseCommand):
    """Prints the link alone, so that scripts can read it; remarks go to standard error."""

    help = "Print a link that logs a browser in as the first staff user, once, within 15 minutes."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make a new link; the ones before it end."""
        link = login_link.make(site_address())
        if link is None:
            raise CommandError(
                "No active staff user is left: make one with `manage.py createsuperuser`."
            )
        if not is_running():
            self.stderr.write(
                "No site runs on this data folder now. A start makes a link of its own, and this "
                "one ends."
            )
        self.stdout.write(link)
