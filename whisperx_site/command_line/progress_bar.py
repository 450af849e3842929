"""A recording's progress at a terminal, or in plain lines for a log."""

from typing import IO

from rich.progress import TaskProgressColumn, TextColumn, TimeElapsedColumn

from transcription.management.terminal_bar import TerminalBar
from transcription.models import Job, Stage
from uploads.management.output import printable

LONGEST_NAME = 40  # characters of a file's name beside its bar
NEARLY_ALL = 99.0  # a full bar, as after copying, would stop its clock


class ProgressBar(TerminalBar):
    """One recording's bar, removed when the block ends; without a terminal, one line per stage.

    Args:
        name: The recording's.
        stream: Where to write.
        quiet: Write nothing at all.
    """

    def __init__(self, name: str, stream: IO[str], quiet: bool = False) -> None:
        stage = TextColumn("{task.fields[stage]}", markup=False)
        super().__init__(stream, TaskProgressColumn(), stage, TimeElapsedColumn(), quiet=quiet)
        self.name = printable(name)
        self.said = ""
        short = self.name if len(self.name) <= LONGEST_NAME else f"{self.name[:LONGEST_NAME]}…"
        self.bar = self.progress.add_task(short, total=100, stage="")

    def show(self, stage: str, percent: float) -> None:
        """Shows the current stage and its progress (0 to 100)."""
        self.progress.update(self.bar, completed=min(percent, NEARLY_ALL), stage=stage)
        if self.has_lines and stage != self.said:
            self.write_line(f"{self.name}: {stage}")
        self.said = stage

    def show_job(self, job: Job) -> None:
        self.show(Stage(job.stage).label, job.percent)
