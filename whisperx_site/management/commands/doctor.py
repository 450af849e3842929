"""`manage.py doctor`: every setting with its present value, and whether the site can work."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from whisperx_site.configuration.diagnostics import examine
from whisperx_site.configuration.settings_reference import all_settings, env_example, settings_table


class Command(BaseCommand):
    """Exit code 1 where something needs doing."""

    help = "Print all settings, and look whether the site can work with them."
    requires_system_checks = []  # they are part of the examination

    def add_arguments(self, parser: CommandParser) -> None:
        """What to print instead of the examination."""
        parser.add_argument(
            "--settings-table", action="store_true", help="only the README's table of settings"
        )
        parser.add_argument("--env-example", action="store_true", help="only a .env to start from")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what was asked for."""
        if options["settings_table"]:
            self.stdout.write(settings_table(), ending="")
        elif options["env_example"]:
            self.stdout.write(env_example(), ending="")
        else:
            self.print_settings()
            self.examine()

    def print_settings(self) -> None:
        """Each with its value, its default where that is another, and its help."""
        group = ""
        for setting in all_settings():
            if setting.group != group:
                group = setting.group
                self.stdout.write(self.style.MIGRATE_HEADING(f"\n{group}"))
            default = f"  (default: {setting.default or 'none'})"
            changed = default if setting.value != setting.default else ""
            self.stdout.write(f"  {setting.name} = {setting.value}{changed}")
            self.stdout.write(f"      {setting.help}")

    def examine(self) -> None:
        """Print the findings; leave with 1 where one has a remedy."""
        self.stdout.write(self.style.MIGRATE_HEADING("\nExamination"))
        faults = 0
        for finding in examine():
            sign = self.style.ERROR("!!") if finding.remedy else self.style.SUCCESS("ok")
            self.stdout.write(f"  {sign}  {finding.what}: {finding.fact}")
            if finding.remedy:
                self.stdout.write(f"      {finding.remedy}")
                faults += 1
        self.stdout.write("")
        if faults:
            raise SystemExit(1)
