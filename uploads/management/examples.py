"""Commands whose help ends with examples."""

from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter


class AsWritten(DjangoHelpFormatter):
    """Keeps the line breaks of the examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text


class CommandWithExamples(BaseCommand):
    """
    Attributes:
        examples: Shown at the end of the help.
    """

    examples: ClassVar[str]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        made = super().create_parser(prog_name, subcommand, epilog=self.examples, **kwargs)
        made.formatter_class = AsWritten
        return made
