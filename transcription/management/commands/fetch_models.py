"""`manage.py fetch_models`: downloads everything that transcription needs, for use without a
network."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from transcription.conf import conf
from transcription.engines import registry
from transcription.engines.base import EngineError
from transcription.engines.model_files.assets import ALIGNER, Asset, forget_failures, problem
from transcription.engines.model_files.ensure_downloaded import (
    ModelUnavailable,
    obtain,
    unavailable_message,
)
from transcription.languages import LANGUAGES
from transcription.management.download_bar import DownloadBar, readable
from transcription.services.stages.requirements import (
    Requirements,
    languages_without_aligner,
    needed,
    needs_of_site,
    unusable_folders,
)

INTERRUPTED = 130  # the exit code of programs that Ctrl-C ended
THERE = "there already"


class Command(BaseCommand):
    """Exit code 1 if a download failed, 130 after Ctrl-C."""

    help = (
        "Download the models that transcription needs, for the site's settings or the options: "
        "the Whisper model and, if the engine uses them, alignment models and the diarization "
        "model. Existing files are kept; interrupted downloads resume."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        site = needs_of_site()
        parser.add_argument(
            "--engine", choices=registry.names(), help=f"default: the site's ({conf.ENGINE})"
        )
        parser.add_argument(
            "--model",
            nargs="+",
            metavar="NAME",
            action="extend",
            help=f"Whisper models, by name or repository; default: {', '.join(site.models)}",
        )
        parser.add_argument(
            "--language",
            nargs="+",
            metavar="CODE",
            action="extend",
            help=f"languages of the recordings; default: {', '.join(site.languages)}",
        )
        parser.add_argument(
            "--align-model",
            nargs="+",
            metavar="NAME",
            action="extend",
            help="alignment models besides those of the languages, by name or repository, which "
            "clients may then name; default: those of ALIGN_MODELS",
        )
        parser.add_argument("--no-align", action="store_true", help="skip alignment models")
        parser.add_argument("--no-diarize", action="store_true", help="skip the diarization model")
        parser.add_argument(
            "--list", action="store_true", help="only list the needed models and their states"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        needs = needs_of(options)
        try:
            wanted = needed(needs)
        except EngineError as error:
            raise CommandError(error.message) from error
        if options["align_model"] and not any(asset.kind == ALIGNER for asset in wanted):
            raise CommandError(f"{needs.engine} downloads no alignment model of that name.")
        if not wanted:
            self.stdout.write(f"{needs.engine} needs nothing that can be downloaded.")
        if reason := registry.get(needs.engine).installation_error():
            self.stderr.write(reason)
        for language in languages_without_aligner(needs):
            self.stdout.write(
                f"{needs.engine} has no alignment model for {language}: "
                "the Whisper model aligns words there."
            )
        if options["list"]:
            for asset in wanted:
                self.say(asset, missing_or_there(asset))
            return
        failures = [f"{model}: {reason}." for model, reason in unusable_folders(needs).items()]
        try:
            failures += self.fetch(wanted, quiet=options["verbosity"] == 0)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted; the next run resumes from here.")
            sys.exit(INTERRUPTED)
        if failures:
            self.stderr.write("Could not be downloaded:")
            self.stderr.write("\n".join(f"  {failure}" for failure in failures))
            sys.exit(1)

    def fetch(self, wanted: list[Asset], quiet: bool) -> Iterator[str]:
        """Downloads what is missing; yields each error, and continues."""
        forget_failures(conf.MODELS_DIR)
        for asset in wanted:
            if not problem(conf.MODELS_DIR, asset):
                self.say(asset, THERE)
                continue
            try:
                with DownloadBar(asset.label, sys.stderr, quiet) as bar:
                    stall = conf.MODEL_STALL_SECONDS
                    obtain(asset, conf.MODELS_DIR, bar.show, stall=stall)
            except ModelUnavailable as reason:
                self.say(asset, "failed")
                yield unavailable_message(asset, reason)
            else:
                self.say(asset, "done")

    def say(self, asset: Asset, what: str) -> None:
        self.stdout.write(f"{asset.label}: {what}")
        self.stdout.flush()


def needs_of(options: dict[str, Any]) -> Requirements:
    """The requirements from the arguments; the site's by default.

    Raises:
        CommandError: A language is unknown.
    """
    site = needs_of_site()
    for language in options["language"] or ():
        if language not in LANGUAGES:
            raise CommandError(f"The language {language!r} is not known; use a code such as de.")
    return Requirements(
        options["engine"] or site.engine,
        options["model"] or site.models,
        options["language"] or site.languages,
        align=not options["no_align"],
        diarize=not options["no_diarize"],
        aligners=options["align_model"] or site.aligners,
    )


def missing_or_there(asset: Asset) -> str:
    """An asset's state, with the size of its download."""
    if not problem(conf.MODELS_DIR, asset):
        return THERE
    size = f", about {readable(asset.size)}" if asset.size else ""
    condition = f", on conditions ({asset.page})" if asset.page else ""
    return f"missing{size}{condition}"
