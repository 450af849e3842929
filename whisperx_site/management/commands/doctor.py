"""`manage.py doctor`: all settings with their current values, and whether the site can work."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from uploads.management.output import write_json
from whisperx_site.configuration.diagnostics import examine
from whisperx_site.configuration.settings_reference import all_settings, env_example, settings_table


class Command(BaseCommand):
    """Exit code 1 if something needs to be fixed."""

    help = "Print all settings, and check whether the site can work with them."
    requires_system_checks = []  # part of the checks below

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--settings-table", action="store_true", help="only the README's table of settings"
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for programs")
        parser.add_argument("--env-example", action="store_true", help="only a .env to start from")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["settings_table"]:
            self.stdout.write(settings_table(), ending="")
        elif options["env_example"]:
            self.stdout.write(env_example(), ending="")
        elif options["json"]:
            self.print_json()
        else:
            self.print_settings()
            self.examine()

    def print_json(self) -> None:
        """The same facts; exits with 1 if one has a remedy."""
        found = list(examine())
        settings = {setting.name: setting.value for setting in all_settings()}
        findings = [
            {"what": one.what, "fact": one.fact, "remedy": one.remedy, "ok": not one.remedy}
            for one in found
        ]
        write_json(self.stdout, {"settings": settings, "findings": findings})
        if any(one.remedy for one in found):
            raise SystemExit(1)

    def print_settings(self) -> None:
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
        """Prints the results; exits with 1 if one has a remedy."""
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
