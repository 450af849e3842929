"""What the page offers of an engine, and what becomes of what people choose there."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from tests.running import ROOT
from tests.speech import built_in
from tests.speech.able_engine import Able, Plain
from tests.transcription.building import make_job, staff_client, within
from transcription.conf import conf
from transcription.engines import models, registry
from transcription.engines.base import ALIGN, DIARIZE, STAGES, TRANSCRIBE
from transcription.engines.model_files import assets
from transcription.models import Job, StageOutput, State
from transcription.pages import choices
from transcription.services.options.upload_options import problems_of, wanted_of
from transcription.services.options.vocabulary import OFFERED_MODELS
from transcription.services.stages import plan

pytestmark = pytest.mark.django_db
Use = Callable[[str], None]


@pytest.fixture
def use(settings: LazySettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Use:
    """Makes an engine that of the site, without the built-in model."""
    within(settings, tmp_path)
    built_in.hide(monkeypatch)
    settings.HF_TOKEN = ""
    for engine in (Able, Plain):
        place = f"{engine.__module__}:{engine.__name__}"
        monkeypatch.setitem(registry.ENGINES, engine.name, place)

    def chosen(name: str) -> None:
        settings.ENGINE = name

    return chosen


def form(address: str = "/") -> str:
    """A page that has the form, up to its list of recordings."""
    answer = staff_client().get(address, headers={"accept": "text/html"})
    assert answer.status_code == 200
    return answer.content.decode().partition('id="recordings"')[0]


def shown() -> dict[str, list[str]]:
    """The names of the offered models by group."""
    return {
        group["label"]: [model["label"] for model in group["models"]]
        for group in choices.offer()["models"]
    }


def test_an_engine_that_can_little_offers_little(use: Use) -> None:
    use("plain")
    page = form()
    assert "Plain can't translate or tell speakers apart." in page
    assert '<option value="en">English</option>' in page
    for absent in ("Latvian", 'name="model"', 'name="task"', 'name="align"', 'name="diarize"'):
        assert absent not in page


def test_whisper_offers_its_languages_and_models_with_sizes(use: Use) -> None:
    use("faster-whisper")
    page = form()
    assert page.count("<option value=") == 1 + 100 + sum(map(len, shown().values()))
    assert '<option value="haw">Hawaiian</option>' in page
    assert "faster-whisper can't tell speakers apart." in page
    assert 'value="translate"' in page  # its words have times already: there is nothing to align
    assert 'name="align"' not in page and 'name="diarize"' not in page
    assert shown()[""][0] == "tiny – fastest, rough · 78 MB"
    assert "large-v3 – slowest, most accurate · 3.1 GB" in shown()[""]
    assert "tiny.en · 78 MB" in shown()["English only"]
    assert "faster_CrisperWhisper" in shown()["Others"]
    every = [name.split(" ")[0] for names in shown().values() for name in names]
    assert len(every) == len(set(every)) and "large" not in every  # no model under two names


def test_a_model_that_is_there_is_ready(use: Use) -> None:
    use("faster-whisper")
    folder = assets.directory(conf.MODELS_DIR, models.asset("base"))
    folder.mkdir(parents=True)
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
        (folder / name).touch()
    assert "base – fast · 148 MB · ready" in shown()[""]
    assert "small – balanced · 486 MB" in shown()[""]


def test_the_built_in_model_is_ready(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use("faster-whisper")
    monkeypatch.setattr("transcription.engines.model_files.built_in.folder", lambda where: ROOT)
    assert "tiny.en · 78 MB" in shown()["English only"]  # another folder holds no model
    folder = assets.directory(conf.MODELS_DIR, models.asset("base"))
    test_a_model_that_is_there_is_ready(use)
    monkeypatch.setattr("transcription.engines.model_files.built_in.folder", lambda where: folder)
    assert "tiny.en · 78 MB · ready" in shown()["English only"]


def test_the_sites_own_model_comes_first(use: Use, settings: LazySettings) -> None:
    use("faster-whisper")
    settings.WHISPER_MODEL = "/srv/models/latvian"
    (first, *_), *_ = (group["models"] for group in choices.offer()["models"])
    assert first["label"] == "latvian – this site's own" and first["selected"]
    settings.WHISPER_MODEL = "large-v3-turbo"  # the same as turbo
    chosen = [model for group in choices.offer()["models"] for model in group["models"]]
    assert [model["name"] for model in chosen if model["selected"]] == ["turbo"]


def test_an_able_engine_offers_everything(use: Use, settings: LazySettings) -> None:
    use("able")
    settings.LANGUAGE_PATTERNS = ["A03=lv", "<b>=de"]
    page = form()
    assert [code for code, _ in choices.offer()["languages"]] == ["en", "de", "lv"]
    for there in ('name="task"', 'name="align"', 'name="diarize"', 'name="min_speakers"'):
        assert there in page
    assert page.count(" checked>") == 2  # what would be done anyhow: words and speakers
    assert "<q>A03</q> is Latvian" in page and "<q>&lt;b&gt;</q> is German" in page
    assert "can't translate" not in page and "can't tell" not in page


def test_a_gated_model_is_told_before_anybody_waits_for_it(
    use: Use, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    use("able")
    needed = assets.diarizer()
    kind = type(registry.get("able"))
    monkeypatch.setattr(
        kind, "assets", lambda self, request, stage: (needed,) if stage == DIARIZE else ()
    )
    assert needed.page in form() and "HF_TOKEN" in form()
    settings.HF_TOKEN = "hf_something"
    assert "HF_TOKEN" not in form()
    settings.HF_TOKEN = ""
    folder = assets.directory(conf.MODELS_DIR, needed)
    folder.mkdir(parents=True)
    (folder / "config.yaml").touch()
    assert "HF_TOKEN" not in form()


def test_whisperx_offers_everything_and_is_not_imported_for_it(use: Use) -> None:
    use("whisperx")
    page = form()
    for there in ('name="task"', 'name="align"', 'name="min_speakers"', "486 MB", "Hawaiian"):
        assert there in page
    assert "speaker-diarization-community-1" in page and "HF_TOKEN" in page
    assert not {"whisperx", "torch", "pyannote"} & sys.modules.keys()


def test_an_engine_that_is_not_installed_says_so(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use("able")
    assert "not installed" not in form()
    monkeypatch.setattr(
        type(registry.get("able")), "installation_error", lambda self: "It's not installed."
    )
    assert "It&#x27;s not installed." in form()


# What is chosen ---------------------------------------------------------------------------------


def asked(**said: str) -> dict[str, bytes]:
    return {name: value.encode() for name, value in said.items()}


@pytest.mark.parametrize(
    ("engine", "said", "todo"),
    [
        ("able", {}, list(STAGES)),
        ("able", {"align": "true", "diarize": "true"}, list(STAGES)),
        ("able", {"diarize": "false", "min_speakers": "2"}, [TRANSCRIBE, ALIGN]),
        ("able", {"align": "0"}, [TRANSCRIBE, DIARIZE]),
        ("able", {"align": "no", "diarize": "no"}, [TRANSCRIBE]),
        ("able", {"align": "", "diarize": ""}, list(STAGES)),
        ("plain", {}, [TRANSCRIBE]),
        ("plain", {"align": "true", "diarize": "false"}, [TRANSCRIBE]),
        ("plain", {"max_speakers": "2"}, [TRANSCRIBE, DIARIZE]),
        ("plain", {"diarize": "on"}, [TRANSCRIBE, DIARIZE]),
    ],
)
def test_steps_are_done_as_they_are_asked_for(
    use: Use, engine: str, said: dict[str, str], todo: list[str]
) -> None:
    use(engine)
    assert problems_of(asked(**said)) == []
    job = Job(engine=engine, options=wanted_of(asked(**said), "a.wav")["options"])
    assert plan.wanted(job, engine) == todo


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("align", {"align": "perhaps"}),
        ("diarize", {"diarize": "2"}),
        ("min_speakers", {"min_speakers": "0"}),
        ("max_speakers", {"max_speakers": "-1"}),
        ("max_speakers", {"min_speakers": "3", "max_speakers": "2"}),
    ],
)
def test_what_makes_no_sense_is_named(key: str, said: dict[str, str]) -> None:
    (problem,) = problems_of(asked(**said))
    assert problem.startswith(f"The metadata key {key} is wrong: ")
    # A store that takes everything does what is left.
    assert key not in wanted_of(asked(**said), "a.wav")["options"]


@pytest.mark.parametrize("bounds", [("2", "2"), ("1", "9"), ("", "3"), ("4", "")])
def test_bounds_that_leave_something_between_them(bounds: tuple[str, str]) -> None:
    said = dict(zip(("min_speakers", "max_speakers"), bounds, strict=True))
    options = wanted_of(asked(**said), "a.wav")["options"]
    assert options == {name: int(value) for name, value in said.items() if value}


@pytest.mark.parametrize(
    ("name", "said", "language"),
    [
        ("x_a03_1.wav", {}, "lv"),
        ("A04.wav", {"language": "auto"}, "ru"),
        ("A04 A03.wav", {}, "lv"),  # the first of the setting, not of the name
        ("A04.wav", {"language": "de"}, "de"),
        ("A05.wav", {}, ""),
    ],
)
def test_file_names_name_languages(
    settings: LazySettings, name: str, said: dict[str, str], language: str
) -> None:
    settings.LANGUAGE_PATTERNS = ["A03=lv", "a04=ru"]
    assert wanted_of(asked(**said), name)["language"] == language


# Again ------------------------------------------------------------------------------------------


def ended(**facts: Any) -> Job:
    """A job of the able engine whose diarization has failed."""
    job = make_job(**{"engine": "able", "state": State.WARNINGS, "warnings": ["Gated."], **facts})
    for stage in (TRANSCRIBE, ALIGN):
        value = {"segments": [], "language": "en", "word_segments": []}
        StageOutput.objects.create(job=job, name=stage, output=value, engine="able")
    return job


def rerun(job: Job, **said: str) -> Job:
    answer = staff_client().post(f"/jobs/{job.pk}/rerun", said)
    assert answer.status_code == 200, answer.content
    job.refresh_from_db()
    assert job.state == State.QUEUED
    return job


def left(job: Job) -> set[str]:
    return set(StageOutput.objects.filter(job=job).values_list("name", flat=True))


def test_a_stage_that_failed_is_repeated_alone(use: Use) -> None:
    """By its own button, and by the form with nothing changed in it."""
    use("able")
    for said in (
        {},
        {"language": "auto", "model": "small", "task": "transcribe", "align": "true"}
        | {"diarize": "true", "min_speakers": "", "max_speakers": ""},
    ):
        job = ended(model="small")
        page = form(f"/jobs/{job.pk}")
        assert "Gated." in page and "Run only the diarization again" in page
        assert left(rerun(job, **said)) == {TRANSCRIBE, ALIGN}
        assert job.options == {}


@pytest.mark.parametrize(
    ("said", "options", "kept"),
    [
        ({"diarize": "false"}, {"diarize": False}, {TRANSCRIBE, ALIGN}),
        ({"align": "false"}, {"align": False}, {TRANSCRIBE}),
        ({"min_speakers": "2"}, {"min_speakers": 2}, {TRANSCRIBE, ALIGN}),
        ({"task": "translate"}, {}, set()),
    ],
)
def test_other_wishes_concern_their_stages_alone(
    use: Use, said: dict[str, str], options: dict[str, Any], kept: set[str]
) -> None:
    use("able")
    job = rerun(ended(), **said)
    assert (job.options, left(job)) == (options, kept)


def test_a_wish_is_shown_and_can_be_taken_back(use: Use) -> None:
    use("able")
    job = ended(options={"diarize": False, "align": True, "max_speakers": 4}, task="translate")
    page = form(f"/jobs/{job.pk}")
    assert page.count(" checked>") == 2 and 'value="4"' in page  # translated, with words
    assert "Run only the" not in page  # nothing is missing
    again = rerun(job, diarize="true", max_speakers="", task="transcribe")
    assert (again.options, again.task) == ({"diarize": True, "align": True}, "transcribe")


@pytest.mark.parametrize(
    "said",
    [{"min_speakers": "3", "max_speakers": "2"}, {"diarize": "x"}, {"model": "x" * 9999}],
)
def test_a_rerun_that_makes_no_sense_is_refused(use: Use, said: dict[str, str]) -> None:
    use("able")
    job = ended()
    answer = staff_client().post(f"/jobs/{job.pk}/rerun", said)
    assert answer.status_code == 422 and len(answer.content) < 2500
    assert left(job) == {TRANSCRIBE, ALIGN}


def test_the_document_tells_the_sizes_that_the_page_tells() -> None:
    rows = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8").splitlines()
    table = {row.split("|")[1].strip(): row.split("|")[2:-1] for row in rows if row.startswith("|")}
    told = dict(zip(map(str.strip, table["model"]), map(str.strip, table["download"]), strict=True))
    assert set(told) == set(OFFERED_MODELS)
    for name, size in told.items():
        assert choices.size(models.asset(name).size or 0) == size
