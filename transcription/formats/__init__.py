"""Transcripts as files: srt, vtt, txt, tsv and json. Pure functions from segments to text."""

from transcription.formats.cues import Options
from transcription.formats.speakers import by_speaker
from transcription.formats.writers import FORMATS, Format, render, written

__all__ = ["FORMATS", "Format", "Options", "by_speaker", "render", "written"]
