"""`manage.py transcribe FILE…`: transcribes local files on the command line."""

import logging
import os
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from transcription.conf import conf
from transcription.engines import registry
from transcription.formats import FORMATS, render
from transcription.languages import LANGUAGES
from transcription.models import Job, State, TaskType, Transcript
from transcription.pages.views import facts_of
from transcription.services.jobs import transitions
from transcription.services.jobs.submit import JobSpec, submit_intake
from transcription.services.options.default_language import default_language
from transcription.services.options.priority import WORDS, priority_named
from transcription.services.options.vocabulary import MODELS, TASKS
from uploads.errors import UploadError
from uploads.management.output import printable
from whisperx_site.command_line.inline_worker import StandInWorker
from whisperx_site.command_line.job_wait import wait_for
from whisperx_site.command_line.local_files import Failed, Places, known_name, take_in
from whisperx_site.command_line.progress_bar import ProgressBar
from whisperx_site.processes.preparation import prepare_alone

INTERRUPTED = 130  # the exit code of programs that Ctrl-C ended
DONE = (State.COMPLETED, State.WARNINGS)


class Command(BaseCommand):
    """Exit code 1 if a recording gave no transcript, 130 after Ctrl-C, 141 if the output was
    closed."""

    help = (
        "Transcribe recordings. A running site on this DATA_DIR does the work, otherwise this "
        "command; either way each becomes a job of the site, with its recording."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--engine", choices=registry.names(), help="default: ENGINE")
        parser.add_argument("--model", help="a name or a directory; default: WHISPER_MODEL")
        parser.add_argument("--language", help="a code such as lv; default: it is detected")
        parser.add_argument("--task", choices=TASKS, default="transcribe")
        parser.add_argument("--device", choices=("cpu", "cuda"), help="default: DEVICE")
        parser.add_argument("--prompt", help="text that precedes the recording")
        parser.add_argument("--min-speakers", type=int, metavar="N")
        parser.add_argument("--max-speakers", type=int, metavar="N")
        parser.add_argument(
            "--no-speakers", action="store_true", help="the text alone, not who speaks"
        )
        parser.add_argument(
            "--audio-track", type=int, metavar="N", help="from 1 on; default: the file's main one"
        )
        parser.add_argument(
            "--priority", choices=WORDS, default="normal", help="among the jobs of this owner"
        )
        parser.add_argument("--format", choices=FORMATS, default="txt")
        parser.add_argument(
            "--output", help="a file; for several recordings a directory; default: standard output"
        )
        parser.add_argument(
            "--forget",
            action="store_true",
            help="delete job and recording once the transcript is written",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)  # files of the site are private to its system user
        if options["verbosity"] < 2:
            logging.getLogger().setLevel(logging.WARNING)  # the bar shows the rest
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        self.options = options
        self.spec = spec_from(options)
        self.places = Places(options["files"], options["output"], FORMATS[options["format"]].suffix)
        try:
            prepare_alone()
            with StandInWorker() as worker:
                failures = [self.failure(path, worker) for path in options["files"]]
        except OperationalError as problem:
            raise CommandError(f"The database doesn't answer: {problem}".rstrip()) from problem
        except KeyboardInterrupt:
            self.stderr.write("cancelled")
            sys.exit(INTERRUPTED)
        if any(failures):
            sys.exit(1)

    def failure(self, path: Path, worker: StandInWorker) -> str:
        """Transcribes one recording; prints and returns the error, empty: none."""
        try:
            job = self.ended(path, worker)
            for remark in filter(None, (job.engine_note, *job.warnings)):
                self.say(path, remark)
            segments = Transcript.objects.get(job=job).segments
            self.places.write(path, render(self.options["format"], segments, facts_of(job)))
        except BrokenPipeError:
            raise  # the output is closed: the remaining work is pointless
        except (UploadError, Failed, OSError) as problem:
            reason = str(problem) or type(problem).__name__
            self.say(path, f"failed: {reason}")
            return reason
        if self.options["forget"]:
            transitions.delete(job)
        return ""

    def ended(self, path: Path, worker: StandInWorker) -> Job:
        """The finished job of a recording.

        Raises:
            Failed: It gave no transcript.
            UploadError, OSError: The recording can't be stored.
        """
        name = known_name(path)
        named = {"language": default_language(name), "file_name": name}
        with ProgressBar(path.name, sys.stderr, quiet=self.options["verbosity"] == 0) as bar:
            intake = take_in(path, bar)
            job = submit_intake(JobSpec(**{**named, **self.spec}), intake)
            ended = wait_for(job, worker, bar)
        if ended is None:
            raise Failed("Its job was deleted.")
        if ended.state not in DONE:
            raise Failed(ended.error or f"Its job was {ended.get_state_display()}.")
        return ended

    def say(self, path: Path, what: str) -> None:
        self.stderr.write(f"{printable(path.name)}: {printable(what)}")


def spec_from(options: dict[str, Any]) -> dict[str, Any]:
    """The JobSpec attributes from the command line; absent options are left out.

    Raises:
        CommandError: The language or the model is unknown.
    """
    language, model = options["language"], options["model"] or conf.WHISPER_MODEL
    if language not in (None, "auto", *LANGUAGES):
        raise CommandError(f"The language {language!r} is not known; use auto or a code.")
    if model not in (*MODELS, conf.WHISPER_MODEL):
        if not Path(model).is_dir():
            raise CommandError(f"The model {model!r} is not known: {', '.join(MODELS)}.")
        model = str(Path(model).absolute())
    said = {
        "device": options["device"],
        "initial_prompt": options["prompt"],
        "min_speakers": options["min_speakers"],
        "max_speakers": options["max_speakers"],
        "audio_track": options["audio_track"],
    }
    spec = {
        "task_type": TaskType.TRANSCRIPTION if options["no_speakers"] else TaskType.FULL,
        "engine": options["engine"] or "",
        "model": model,
        "task": options["task"],
        "priority": priority_named(options["priority"]),
        "options": {name: value for name, value in said.items() if value is not None},
    }
    if language is not None:
        spec["language"] = "" if language == "auto" else language
    return spec
