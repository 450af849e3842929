"""A management command called in this process: what it printed, and its exit status."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any, ClassVar

from django.core.management import CommandError, call_command


class Said:
    """What a command said. Subclasses name the command."""

    command: ClassVar[str]

    def __init__(self, *arguments: str) -> None:
        out, errors = StringIO(), StringIO()
        self.status = 0
        try:
            call_command(self.command, *arguments, stdout=out, stderr=errors)
        except CommandError as end:
            self.status = end.returncode
            errors.write(str(end))
        self.out, self.errors = out.getvalue(), errors.getvalue()

    @property
    def json(self) -> Any:
        return json.loads(self.out)
