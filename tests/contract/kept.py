"""Tasks in every state and of every type, put into the running site's database by hand.

Run inside the site's Django (`manage.py shell`); prints the identifiers by their names.
"""

MAKE = """
import json
import uuid
from datetime import datetime, timedelta, timezone
from transcription.models import Job, StageOutput, State, TaskType, Transcript

START = datetime(2026, 1, 2, 3, 4, 5, 678900, timezone.utc)
ENDED = {"started": START, "finished": START + timedelta(seconds=2.5)}
WORDS = [
    {"word": "One", "start": 0.5, "end": 1.0, "score": 0.9, "speaker": "SPEAKER_00"},
    {"word": "2", "start": 1.0, "end": 1.2},
    {"word": "three.", "start": 1.5, "end": 2.0, "score": 0.0},
]
SEGMENTS = [
    {"start": 0.5, "end": 2.0, "text": "One 2 three.", "words": WORDS, "chars": [{"char": "O"}],
     "speaker": "SPEAKER_00", "avg_logprob": -0.25, "seek": 0},
    {"start": 3.0, "end": 4.0, "text": "4 5", "words": [{"word": "4"}, {"word": "5"}]},
    {"start": 5.0, "end": 6.0, "text": " Wordless", "avg_logprob": -1.5},
]
TURNS = [{"label": "A", "speaker": "SPEAKER_00", "start": 0.5, "end": 2.0, "segment": "[x]"}]


def job(name, segments=None, outputs=(), age=0, **facts):
    facts = {"state": State.COMPLETED, "file_name": f"kept-{name}.wav", **ENDED, **facts}
    if facts["state"] not in (State.PROCESSING, State.QUEUED):
        facts["stage"] = facts.pop("stage", "complete")
    made = Job.objects.create(created=START - timedelta(days=age), **facts)
    if segments is not None:
        Transcript.objects.create(job=made, segments=segments)
    for stage, output in dict(outputs).items():
        StageOutput.objects.create(job=made, name=stage, output=output)
    made_ids[name] = str(made.pk)


made_ids = {}
job("full", SEGMENTS, age=9, language="lv", language_used="en", audio_duration=6.25,
    params={"model": "tiny", "asr_options": {"beam_size": 5}, "max_speakers": None},
    url="http://example.org/a%20b.wav", callback_url="http://example.org/",
    engine_used="faster-whisper", percent=100)
job("warned", SEGMENTS, age=8, state=State.WARNINGS, warnings=["no speakers"])
job("failed", age=7, state=State.FAILED, error="The sound is broken.", finished=START,
    stage="aligning", percent=41.9, engine_note="x")
job("cancelled", age=6, state=State.CANCELLED, started=None, stage="queued")
job("transcription", SEGMENTS, age=5, task_type=TaskType.TRANSCRIPTION, language="lv",
    language_used="lv", outputs={"transcribe": {"segments": SEGMENTS, "language": "lv"}})
job("alignment", SEGMENTS, age=4, task_type=TaskType.ALIGNMENT, language="en",
    outputs={"align": {"segments": SEGMENTS, "word_segments": WORDS}})
job("diarization", [], age=3, task_type=TaskType.DIARIZATION, outputs={"diarize": TURNS})
job("combination", SEGMENTS, age=2, task_type=TaskType.COMBINATION, file_name="")
job("processing", age=1, state=State.PROCESSING, stage="decoding", percent=12.7,
    token=uuid.uuid4(), lease_expires=START + timedelta(days=9999), worker_host="elsewhere",
    finished=None, file_name="kept-\\u0100rsts 100%_\\u00e4.MP3")
print(json.dumps(made_ids))
"""
