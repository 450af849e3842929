"""Recordings and transcripts as files of this machine."""

import mimetypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from django.contrib.auth.models import AnonymousUser
from django.core.management.base import CommandError

from transcription.media.sniff import HEAD, problem_of
from uploads.services.create import CreationRequest, plain_name
from uploads.services.direct_upload import DirectUpload
from whisperx_site.accounts.local_key import first_staff_user
from whisperx_site.command_line.progress_bar import ProgressBar, printable

PIECE = 1024 * 1024  # bytes copied at a time
COPYING = "copying"


class Failed(Exception):
    """A recording came to no transcript; the message says why."""


def take_in(path: Path, bar: ProgressBar) -> DirectUpload:
    """Copy a file into the site's store, for the first staff user, if there is one yet.

    Raises:
        Failed: It is surely no recording.
        UploadError: The site does not take it: it is too long, or the disk too full.
        OSError: It cannot be read.
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
            intake.discard(f"It was not copied to its end: {type(reason).__name__} {reason}")
            raise
    return intake


def known_name(path: Path) -> str:
    """The name of a file as the site keeps it: what is no UTF-8 in it is replaced."""
    return plain_name(os.fsencode(path.name))


class Places:
    """Where each recording's transcript goes.

    Args:
        files: The recordings.
        output: A file, a directory, `-` for standard output; None: nothing was said.
        suffix: Of the transcripts' names.

    Raises:
        CommandError: A recording is missing, or it is not clear where its transcript belongs.
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
                raise CommandError("Standard output is closed. Say --output FILE.")
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
        """One transcript a recording, of the same name."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            said = printable(f"{folder} is no directory: {problem}")
            raise CommandError(said) from problem
        for path in files:
            place = folder / (path.stem + suffix)
            if place in self.places.values():
                said = f"Two recordings would both be written to {printable(str(place))}."
                raise CommandError(said)
            self.places[path] = place

    def write(self, path: Path, text: str) -> None:
        """Write a recording's transcript to its place, as UTF-8.

        Raises:
            BrokenPipeError: Nobody reads standard output any more.
            OSError: It cannot be written.
        """
        if path in self.places:
            self.places[path].write_bytes(text.encode())
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(text.encode())
            sys.stdout.flush()
