"""The progress of downloads at a terminal, or in plain lines for a log."""

from types import TracebackType
from typing import IO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

LINE_EVERY = 0.1
"""Share of a download after which a log gets its next line."""
UNITS = ((1e9, "GB", 1), (1e6, "MB", 0), (1e3, "kB", 0))


class DownloadBar:
    """One download's bar, removed when the block ends; without a terminal, a line now and then.

    Args:
        label: What is downloaded.
        stream: Where to write.
        quiet: Write nothing at all.
    """

    def __init__(self, label: str, stream: IO[str], quiet: bool = False) -> None:
        self.label = label
        self.stream = stream
        console = Console(file=stream)
        self.lines = not (quiet or console.is_terminal)
        self.said = 0.0
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or self.lines,
            transient=True,
        )
        self.bar = self.progress.add_task(label, total=None)

    def __enter__(self) -> "DownloadBar":
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def show(self, done: int, total: int | None) -> None:
        """Shows the downloaded bytes, and the total if it is known."""
        self.progress.update(self.bar, completed=done, total=total)
        if self.lines and total and done / total >= self.said + LINE_EVERY:
            self.said = done / total
            self.stream.write(f"{self.label}: {readable(done)} of {readable(total)}\n")
            self.stream.flush()


def readable(size: int | None) -> str:
    """Bytes in decimal units, as on download pages; empty: unknown."""
    if size is None:
        return ""
    for factor, unit, digits in UNITS:
        if size >= factor:
            return f"{size / factor:.{digits}f} {unit}"
    return f"{size} B"
