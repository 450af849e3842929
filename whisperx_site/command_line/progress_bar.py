"""A recording's progress at a terminal, or in plain lines for a log."""

from types import TracebackType
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from transcription.models import Job, Stage

LONGEST_NAME = 40  # characters of a file's name beside its bar
NEARLY_ALL = 99.0  # a full bar, as after copying, would stop its clock


class ProgressBar:
    """One recording's bar, removed when the block ends; without a terminal, one line per stage.

    Args:
        name: The recording's.
        stream: Where to write.
        quiet: Write nothing at all.
    """

    def __init__(self, name: str, stream: IO[str], quiet: bool = False) -> None:
        self.name = printable(name)
        self.stream = stream
        self.console = Console(file=stream)
        self.lines = not (quiet or self.console.is_terminal)
        self.said = ""
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[stage]}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            disable=quiet or self.lines,
            transient=True,
        )
        short = self.name if len(self.name) <= LONGEST_NAME else f"{self.name[:LONGEST_NAME]}…"
        self.bar = self.progress.add_task(short, total=100, stage="")

    def __enter__(self) -> "ProgressBar":
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def show(self, stage: str, percent: float) -> None:
        """Shows the current stage and its progress (0 to 100)."""
        self.progress.update(self.bar, completed=min(percent, NEARLY_ALL), stage=stage)
        if self.lines and stage != self.said:
            self.stream.write(f"{self.name}: {stage}\n")
            self.stream.flush()
        self.said = stage

    def show_job(self, job: Job) -> None:
        self.show(Stage(job.stage).label, job.percent)


def printable(text: str) -> str:
    """The text without terminal control characters."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
