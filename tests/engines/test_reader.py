"""Readers: processes that decode a recording, and wait while its run is paused."""

from __future__ import annotations

import os
import shutil
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.engines import counting_engine
from tests.engines.counting_engine import Counting
from tests.engines.hearing import decoded
from tests.running import wait_for
from tests.speech import able_engine, recordings
from tests.speech.odd_recordings import wav_header
from transcription.engines.base import DIARIZE, Chunk, EngineDied, Event, Paused, Request
from transcription.engines.runtime import reader_process, workdir
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.engines.runtime.reader_process import ReaderProcess, WaitingReaders
from transcription.engines.runtime.recording import Recording
from transcription.media.errors import Cancelled, FinalError, MediaError
from transcription.media.pcm import BYTES_PER_SECOND, RATE

pytestmark = pytest.mark.starts
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
MIB = 2**20


class Setting:
    """Makes recordings as the engine's process does, and hears what they report."""

    def __init__(self, folder: Path) -> None:
        self.work_dir = folder / "work"
        self.pcm = self.work_dir / "run" / "audio.pcm"
        self.pcm.parent.mkdir(parents=True)
        self.waiting = WaitingReaders(idle_seconds=60)
        self.written: list[tuple[float, float | None]] = []
        self.signs = 0
        self.stop = False

    def recording(self, path: Path, **facts: object) -> Recording:
        return Recording(
            replace(Request(str(path), "any"), **facts),  # type: ignore[arg-type]
            self.pcm,
            self.waiting,
            on_decoding=lambda *reached: self.written.append(reached),
            on_sign=self.sign,
            should_stop=lambda: self.stop,
        )

    def sign(self) -> None:
        self.signs += 1


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path)
    yield made
    made.waiting.close()


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Half a minute of speech with pauses."""
    folder = tmp_path_factory.mktemp("speech")

    def made(suffix: str) -> Path:
        path = folder / f"a.{suffix}"
        return path if path.exists() else recordings.write(path, recordings.long_speech(30))

    return made


def taken(stream: Iterator[bytes], size: int) -> bytes:
    """The samples of a stream, up to the block that brings them to that many bytes."""
    data = bytearray()
    while len(data) < size:
        data += next(stream)
    return bytes(data)


def paused(recording: Recording, seconds: float, after: float = 0.0) -> tuple[bytes, ReaderProcess]:
    """What is read until the run is paused, and the reader."""
    with pytest.raises(Paused), recording:
        data = taken(recording.stream(after), round(seconds * BYTES_PER_SECOND))
        reader = recording._readers[-1]
        raise Paused
    return data, reader


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a", "weba", "ogg"])
def test_a_stream_begins_at_any_sample(
    suffix: str, setting: Setting, speech: Callable[[str], Path]
) -> None:
    """As after a crash: it is decoded from its beginning, and the rest left out."""
    whole = decoded(speech(suffix))
    samples = whole.path.read_bytes()
    for first in (0, RATE * 11 + 7, len(samples) // 2 - 1, len(samples) // 2 + 5):
        with setting.recording(speech(suffix)) as recording:
            assert b"".join(recording.stream(first / RATE)) == samples[first * 2 :], first
            assert recording.decoded == whole.decoded
            assert recording.expected_duration == whole.duration
    assert not setting.pcm.exists() and not setting.written


def test_both_ways_at_once(setting: Setting, speech: Callable[[str], Path]) -> None:
    """While the stream is read, other samples are looked for in the file."""
    samples = decoded(speech("mp3")).path.read_bytes()
    with setting.recording(speech("mp3")) as recording:
        assert recording.media()["codec"] == "mp3float"
        stream = recording.stream()
        begun = taken(stream, 3 * BYTES_PER_SECOND)
        second = (recording.samples(20.0, 1.0) * 32768).astype("<i2").tobytes()
        assert second == samples[20 * BYTES_PER_SECOND :][:BYTES_PER_SECOND]
        assert begun + b"".join(stream) == samples
        assert recording.path.read_bytes() == samples == b"".join(recording.stream())
        readers = [reader.process for reader in recording._readers]
    assert [done for done, _ in setting.written] == sorted(done for done, _ in setting.written)
    assert setting.written[-1][0] == len(samples) / BYTES_PER_SECOND
    assert len(readers) == 2 and all(process.returncode is not None for process in readers)


def test_a_paused_run_goes_on_where_it_stopped(
    setting: Setting, speech: Callable[[str], Path]
) -> None:
    """Also a little before: the last chunks that were read had not been transcribed yet."""
    samples = decoded(speech("mp3")).path.read_bytes()
    begun, reader = paused(setting.recording(speech("mp3")), 12)
    assert begun == samples[: len(begun)]
    more, again = paused(setting.recording(speech("mp3")), 12, after=8.3456)
    assert again is reader and samples.startswith(more, round(8.3456 * RATE) * 2)
    with setting.recording(speech("mp3")) as recording:
        assert recording.media() == reader.media
        assert b"".join(recording.stream(25.0)) == samples[25 * BYTES_PER_SECOND :]
        assert recording._readers == [reader]
    assert reader.process.returncode is not None


def test_what_is_no_longer_kept_is_decoded_again(
    setting: Setting, speech: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_process, "KEPT", 5 * BYTES_PER_SECOND)
    samples = decoded(speech("mp3")).path.read_bytes()
    _, reader = paused(setting.recording(speech("mp3")), 20)
    assert sum(map(len, reader._last)) < 6 * BYTES_PER_SECOND
    with setting.recording(speech("mp3")) as recording:
        assert b"".join(recording.stream(10.0)) == samples[10 * BYTES_PER_SECOND :]
        assert reader not in recording._readers
    assert reader.process.returncode is not None


def test_a_paused_run_goes_on_with_its_file(
    setting: Setting, speech: Callable[[str], Path]
) -> None:
    """Engines that need samples at any place decode a long recording once, not at each turn."""
    with pytest.raises(Paused), setting.recording(speech("mp3")) as recording:
        media, whole, samples = recording.media(), recording.decoded, recording.path.read_bytes()
        raise Paused
    assert not setting.pcm.exists() and workdir.sweep(setting.work_dir) == 0
    for _ in range(2):
        setting.written.clear()
        with pytest.raises(Paused), setting.recording(speech("mp3")) as recording:
            assert (recording.media(), recording.decoded) == (media, whole)
            assert recording.path.read_bytes() == samples
            raise Paused
        assert not setting.written
    assert len(list(setting.work_dir.iterdir())) == 2  # that of the run, and that of the file
    speech("mp3").touch()
    setting.waiting.sweep()
    assert list(setting.work_dir.iterdir()) == [setting.pcm.parent]


def test_few_readers_wait_and_none_for_long(
    setting: Setting, speech: Callable[[str], Path], tmp_path: Path
) -> None:
    copies = [tmp_path / f"{number}.mp3" for number in range(5)]
    for copy in copies:
        copy.write_bytes(speech("mp3").read_bytes())
    readers = [paused(setting.recording(copy), 5)[1] for copy in copies]
    assert [reader.process.poll() is None for reader in readers] == [False, *[True] * 4]
    copies[1].write_bytes(speech("mp3").read_bytes()[:-1])
    copies[2].unlink()
    setting.waiting.sweep()
    assert [reader.process.poll() is None for reader in readers] == [*[False] * 3, True, True]
    readers[3].waits_since -= 61
    setting.waiting.sweep()
    assert [reader.process.poll() is None for reader in readers] == [*[False] * 4, True]


def test_another_track_has_another_reader(setting: Setting, speech: Callable[[str], Path]) -> None:
    _, reader = paused(setting.recording(speech("mp3")), 5)
    with setting.recording(speech("mp3"), options={"audio_track": 1}) as recording:
        taken(recording.stream(), 1)
        assert recording._readers != [reader]


@posix
@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGSEGV, MediaError), (signal.SIGKILL, MemoryError)]
)
def test_a_reader_that_dies(
    number: signal.Signals,
    error: type[Exception],
    setting: Setting,
    speech: Callable[[str], Path],
) -> None:
    """A crash is the file's fault; the system kills a process if memory runs out."""
    with pytest.raises(error) as caught, setting.recording(speech("wav")) as recording:
        stream = recording.stream()
        taken(stream, 1)
        recording._readers[0].process.send_signal(number)
        for _ in stream:
            pass
    if error is MediaError:
        assert (
            str(caught.value) == "The recording could not be read. The decoder crashed (signal 11)."
        )


@posix
def test_a_file_that_is_removed_before_its_reader_opens_it(
    setting: Setting, speech: Callable[[str], Path], tmp_path: Path
) -> None:
    gone = Path(shutil.copy(speech("wav"), tmp_path / "gone.wav"))
    with setting.recording(gone) as recording:
        gone.unlink()
        with pytest.raises(MediaError, match="^The file no longer exists"):
            recording.media()


@posix
def test_a_reader_that_hangs(setting: Setting, speech: Callable[[str], Path]) -> None:
    stalling = setting.recording(speech("wav"), reader_stall=0.2)
    with pytest.raises(MediaError) as caught, stalling as recording:
        reader = recording._started()
        reader.process.send_signal(signal.SIGSTOP)
        recording.media()
    assert caught.value.code == "too_slow"
    assert caught.value.message.startswith("The recording could not be read.")
    assert reader.process.returncode is not None


@posix
def test_cancelled_while_nothing_comes(setting: Setting, speech: Callable[[str], Path]) -> None:
    with pytest.raises(Cancelled), setting.recording(speech("wav")) as recording:
        reader = recording._started()
        reader.process.send_signal(signal.SIGSTOP)
        setting.stop = True
        recording.media()
    assert reader.process.returncode is not None


def test_a_reader_with_too_little_memory(setting: Setting, tmp_path: Path) -> None:
    claim = recordings.write_bold_claim(tmp_path / "claim.mp4")
    narrow = setting.recording(claim, decoder_memory=200 * MIB)
    with pytest.raises(MediaError) as caught, narrow as recording:
        recording.media()
    assert caught.value.code == "too_much_memory"


@posix
def test_readers_end_with_the_engine(
    speech: Callable[[str], Path], setting: Setting, tmp_path: Path
) -> None:
    """Killed, it can't end them itself."""
    engine = EngineProcess(60)
    readers: list[psutil.Process] = []

    def kill(event: Event) -> None:
        if engine.pid and not readers:
            readers.extend(psutil.Process(engine.pid).children())
            if readers:
                os.kill(engine.pid, signal.SIGKILL)

    with pytest.raises(EngineDied, match="signal 9"):
        engine.run(diarizing(speech("mp3"), tmp_path), kill)
    engine.close()
    assert readers
    wait_for(lambda: not any(reader.is_running() for reader in readers), 5, what="their end")


@pytest.fixture
def knowing_counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes know the engine."""
    known = able_engine.environment(tmp_path, counting_engine.PLACE, Counting.name)
    monkeypatch.setenv("PYTHONPATH", known["PYTHONPATH"])


@pytest.fixture
def counting(knowing_counting: None) -> Iterator[EngineProcess]:
    process = EngineProcess(60)
    yield process
    process.close()


def test_a_paused_job_goes_on_with_its_reader(
    counting: EngineProcess, speech: Callable[[str], Path], tmp_path: Path
) -> None:
    """From run to run, as long as it is paused; the text is that of one run."""
    work = str(tmp_path / "work")
    request = Request(str(speech("mp3")), Counting.name, work_dir=work, language="en")
    whole = counting.run(request)
    chunks: list[Chunk] = []
    readers = []

    def hear(event: Event) -> None:
        if event.stage == "transcribing" and not event.chunks:
            assert event.done >= (chunks[-1].end if chunks else 0)  # it doesn't fall back to 0 %
        chunks.extend(event.chunks)

    for _ in range(10):
        kept = [vars(chunk) for chunk in chunks]
        try:
            result = counting.run(replace(request, chunks=kept), hear, should_pause=lambda: True)
        except Paused:
            readers += psutil.Process(counting.pid).children()
        else:
            break
    assert len(readers) > 1 and len(set(readers)) == 1
    assert result.segments == whole.segments and result.duration == whole.duration
    assert psutil.Process(counting.pid).children() == []


def test_nothing_is_left_of_paused_runs_when_the_engine_has_been_idle(
    speech: Callable[[str], Path], tmp_path: Path, knowing_counting: None
) -> None:
    """Neither the reader, nor the file of an engine that needs one."""
    engine = EngineProcess(idle_seconds=0.5)
    work = tmp_path / "work"
    options = {counting_engine.NEEDS_FILE: True}
    request = Request(str(speech("mp3")), Counting.name, work_dir=str(work), options=options)
    with pytest.raises(Paused):
        engine.run(request, should_pause=lambda: True)
    wait_for(lambda: engine.pid is None, 20, what="its end")
    assert list(work.iterdir()) == []


def test_cancelled_and_failed_runs_leave_no_reader(
    counting: EngineProcess, speech: Callable[[str], Path], tmp_path: Path
) -> None:
    request = Request(str(speech("mp3")), Counting.name, work_dir=str(tmp_path / "work"))
    readers: set[psutil.Process] = set()

    def hear(event: Event) -> None:
        readers.update(psutil.Process(counting.pid).children())

    with pytest.raises(Cancelled):
        counting.run(request, hear, should_stop=lambda: bool(readers))
    broken = recordings.write_bold_claim(tmp_path / "claim.mp4")
    with pytest.raises(MediaError):
        counting.run(replace(request, media_path=str(broken), decoder_memory=200 * MIB), hear)
    wait_for(lambda: not any(map(psutil.Process.is_running, readers)), 5, what="their end")


def diarizing(path: Path, folder: Path) -> Request:
    """A request for the fallback, which streams."""
    return Request(str(path), "faster-whisper", stages=(DIARIZE,), work_dir=str(folder / "work"))


def test_an_engine_that_streams_needs_no_file(
    engine: EngineProcess, speech: Callable[[str], Path], tmp_path: Path
) -> None:
    told: list[Event] = []
    files: set[str] = set()

    def hear(event: Event) -> None:
        told.append(event)
        files.update(path.name for path in tmp_path.glob("work/*/*"))

    result = engine.run(diarizing(speech("mp3"), tmp_path), hear)
    assert list(dict.fromkeys(event.stage for event in told)) == ["probing", "diarizing"]
    assert result.outputs[DIARIZE].value and not files
    assert result.duration == result.media["duration"] == decoded(speech("mp3")).duration
    assert told[-1].done == told[-1].total == result.duration


def test_silence_is_told_at_the_end_of_a_stream(engine: EngineProcess, tmp_path: Path) -> None:
    path = recordings.write(tmp_path / "silent.mp3", recordings.silence(70))
    result = engine.run(diarizing(path, tmp_path))
    assert result.outputs[DIARIZE].value == []
    assert result.warnings == ["The recording is silent from beginning to end."]


def test_a_stream_without_a_known_length_has_an_estimate(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As browsers record: the header was written before the end was known."""
    path = recordings.write(tmp_path / "a.weba", recordings.long_speech(20))
    with setting.recording(path) as recording:
        reader = recording._started()
        media = recording.media()
        media["duration"] = reader.expected = None
        for _ in recording.stream():
            if reader.expected:
                break
        else:
            assert recording.is_read
        assert recording.expected_duration


@pytest.mark.slow
def test_long_recordings_take_no_more_memory_than_short_ones(
    setting: Setting, speech: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "long.mp3"
    path.write_bytes(speech("mp3").read_bytes() * 30)  # MP3 is a row of frames
    with setting.recording(path) as recording:
        stream = recording.stream()
        taken(stream, 30 * BYTES_PER_SECOND)
        reader = recording._readers[0]
        memory = psutil.Process(reader.process.pid).memory_info
        early = memory().rss
        seconds = 0.0
        for block in stream:
            seconds += len(block) / BYTES_PER_SECOND
            if seconds < 800:
                late = memory().rss
            assert sum(map(len, reader._last)) <= reader_process.KEPT + BYTES_PER_SECOND
    assert late - early < 20 * MIB and seconds > 800


@pytest.mark.skipif(sys.platform == "win32", reason="counts blocks as POSIX does")
def test_hours_of_silence_fill_no_disk(setting: Setting, tmp_path: Path) -> None:
    path = recordings.write(tmp_path / "silent.mp3", recordings.silence(100))
    with setting.recording(path) as recording:
        found = recording.path.stat()
    assert found.st_size > 99 * BYTES_PER_SECOND
    assert found.st_blocks * 512 < MIB / 2


def two_days_in(flac: bytearray) -> None:
    """The number of samples, 36 bits of the first block."""
    samples = 48 * 3600 * 44_100
    flac[21] = flac[21] & 0xF0 | samples >> 32
    flac[22:26] = (samples & 0xFFFFFFFF).to_bytes(4, "big")


def two_days_for(matroska: bytearray) -> None:
    """The length in milliseconds."""
    at = matroska.index(b"\x44\x89\x88") + 3
    matroska[at : at + 8] = struct.pack(">d", 48 * 3600e3)


@pytest.mark.parametrize(
    ("suffix", "change"), [("flac", two_days_in), ("mka", two_days_for), ("weba", two_days_for)]
)
def test_what_its_header_says_is_too_long_is_refused_at_once(
    suffix: str,
    change: Callable[[bytearray], None],
    setting: Setting,
    speech: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    data = bytearray(speech(suffix).read_bytes())
    change(data)
    path = tmp_path / "long"
    path.write_bytes(data)
    with pytest.raises(MediaError) as caught, setting.recording(path) as recording:
        next(recording.stream())
    assert caught.value.code == "too_long"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_has_its_own_reason(setting: Setting, speech: Callable[[str], Path]) -> None:
    setting.pcm = Path("/dev/full")
    with pytest.raises(FinalError) as caught, setting.recording(speech("wav")) as recording:
        recording.ensure_file()
    assert caught.value.code == "disk_full"


def test_a_file_that_is_gone(setting: Setting, tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        setting.recording(tmp_path / "nothing")
    assert caught.value.code == "missing"


def test_signs_of_life_while_other_tracks_are_searched(setting: Setting, tmp_path: Path) -> None:
    """A long hole in a WAV gives no samples for a while, but the reader is at work."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav_header(20 * BYTES_PER_SECOND) + bytes(20 * BYTES_PER_SECOND))
    with setting.recording(path) as recording:
        assert len(b"".join(recording.stream())) == 20 * BYTES_PER_SECOND
    assert setting.signs >= 2  # what was found, and the first and the last message
