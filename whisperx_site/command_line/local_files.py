"""Recordings and transcripts as local files."""

import mimetypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from django.contrib.auth.models import AnonymousUser
from django.core.management.base import CommandError

from transcription.media.sniff import HEAD, problem_of
from uploads.management.output import printable
from uploads.services.create import CreationRequest, plain_name
from uploads.services.direct_upload import DirectUpload
from whisperx_site.accounts.local_key import first_staff_user
from whisperx_site.command_line.progress_bar import ProgressBar

PIECE = 1024 * 1024  # bytes copied at a time
COPYING = "copying"


class Failed(Exception):
    """A recording gave no transcript; the message says why."""


def take_in(path: Path, bar: ProgressBar) -> DirectUpload:
    """Copies a file into the site's store, for the first staff user, if there is one.

    Raises:
        Failed: It isn't a recording.
        UploadError: The site refuses it: it is too large, or the disk is too full.
        OSError: It can't be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        if problem := problem_of(path.name, head, len(head) < HEAD):
            raise Failed(problem)
        kind = mimetypes.guess_type(path.name)[0] or ""
        order = CreationRequest(
            first_staff_user() or AnonymousUser(), address="", agent="manage.py transcribe"
        )
        intake = DirectUpload(order, known_name(path), kind)
        try:
            file.seek(0)
            total = path.stat().st_size
            while piece := file.read(PIECE):
                intake.write(piece)
                bar.show(COPYING, 100 * min(intake.size / max(total, 1), 1))
            intake.close()
        except BaseException as reason:
            intake.discard(f"The copy failed: {type(reason).__name__} {reason}")
            raise
    return intake


def known_name(path: Path) -> str:
    """The file's name as the site stores it: bytes that aren't UTF-8 are replaced."""
    return plain_name(os.fsencode(path.name))


class Places:
    """The transcript's place for each recording.

    Args:
        files: The recordings.
        output: A file, a directory, or `-` for standard output; None: not given.
        suffix: The suffix of the transcripts' names.

    Raises:
        CommandError: A recording is missing, or the place of its transcript is unclear.
    """

    def __init__(self, files: Sequence[Path], output: str | None, suffix: str) -> None:
        for path in files:
            if not path.is_file():
                raise CommandError(f"There is no file {printable(str(path))}.")
        if output is None and len(files) > 1:
            raise CommandError("Several recordings need --output DIRECTORY, or --output - .")
        self.places: dict[Path, Path] = {}
        if output in (None, "-"):
            if sys.stdout is None:
                raise CommandError("Standard output is closed. Use --output FILE.")
            return
        target = Path(output or "")
        if len(files) > 1 or target.is_dir() or str(output).endswith(("/", "\\")):
            self.within(target, files, suffix)
        elif not target.absolute().parent.is_dir():
            folder = printable(str(target.absolute().parent))
            raise CommandError(f"There is no directory {folder}.")
        else:
            self.places[files[0]] = target

    def within(self, folder: Path, files: Sequence[Path], suffix: str) -> None:
        """A transcript with the same name for each recording."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            said = printable(f"{folder} isn't a directory: {problem}")
            raise CommandError(said) from problem
        for path in files:
            place = folder / (path.stem + suffix)
            if place in self.places.values():
                said = f"Two recordings would both be written to {printable(str(place))}."
                raise CommandError(said)
            self.places[path] = place

    def write(self, path: Path, text: str) -> None:
        """Writes a recording's transcript to its place, as UTF-8.

        Raises:
            BrokenPipeError: Standard output was closed.
            OSError: It can't be written.
        """
        if path in self.places:
            self.places[path].write_bytes(text.encode())
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(text.encode())
            sys.stdout.flush()
