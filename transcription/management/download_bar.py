"""The progress of downloads at a terminal, or in plain lines for a log."""

from typing import IO

from rich.progress import DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

from transcription.management.terminal_bar import TerminalBar

LINE_EVERY = 0.1
"""Share of a download after which a log gets its next line."""
UNITS = ((1e9, "GB", 1), (1e6, "MB", 0), (1e3, "kB", 0))


class DownloadBar(TerminalBar):
    """One download's bar, removed when the block ends; without a terminal, a line now and then.

    Args:
        label: What is downloaded.
        stream: Where to write.
        quiet: Write nothing at all.
    """

    def __init__(self, label: str, stream: IO[str], quiet: bool = False) -> None:
        columns = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        super().__init__(stream, *columns, quiet=quiet)
        self.label = label
        self.said = 0.0
        self.bar = self.progress.add_task(label, total=None)

    def show(self, done: int, total: int | None) -> None:
        """Shows the downloaded bytes, and the total if it is known."""
        self.progress.update(self.bar, completed=done, total=total)
        if self.has_lines and total and done / total >= self.said + LINE_EVERY:
            self.said = done / total
            self.write_line(f"{self.label}: {readable(done)} of {readable(total)}")


def readable(size: int | None) -> str:
    """Bytes in decimal units, as on download pages; empty: unknown."""
    if size is None:
        return ""
    for factor, unit, digits in UNITS:
        if size >= factor:
            return f"{size / factor:.{digits}f} {unit}"
    return f"{size} B"
