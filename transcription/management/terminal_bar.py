"""Progress at a terminal, or in plain lines for a log."""

from typing import IO, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn


class TerminalBar:
    """A bar, removed when the block ends; without a terminal, subclasses write lines instead.

    Args:
        stream: Where to write.
        columns: What stands behind the description and the bar.
        quiet: Write nothing at all.
    """

    def __init__(self, stream: IO[str], *columns: ProgressColumn, quiet: bool = False) -> None:
        self.stream = stream
        console = Console(file=stream)
        self.has_lines = not (quiet or console.is_terminal)
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            *columns,
            console=console,
            disable=quiet or self.has_lines,
            transient=True,
        )

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.progress.stop()

    def write_line(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()
