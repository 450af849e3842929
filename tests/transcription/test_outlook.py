"""What becomes of recordings is said before they come: on the page, in the log, by doctor."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from tests.engines import hub
from tests.running import Site, wait_for
from tests.site.people import signed_in
from tests.speech import built_in, tiny_whisper
from transcription.conf import conf
from transcription.engines.model_files import built_in as published
from transcription.services import outlook
from whisperx_site.configuration import diagnostics

from .building import staff_client, within

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def bare_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The default engine without its model, on a machine whose model hub does not answer."""
    folder = tmp_path_factory.mktemp("bare")
    running = Site(folder / "data", ENGINE="faster-whisper", HF_ENDPOINT="http://127.0.0.1:9")
    yield running.start()
    running.kill_everything()


@pytest.mark.proof
def test_a_site_without_its_model_says_that_results_will_be_drafts(bare_site: Site) -> None:
    wait_for(lambda: "Results will be drafts" in bare_site.log.read_text(), 60)
    line = next(one for one in bare_site.log.read_text().splitlines() if "be drafts" in one)
    assert "WARNING" in line and 'The model "small"' in line and "fetch_models" in line
    page = signed_in(bare_site).get(f"{bare_site.url}/", headers=HTML, timeout=30).text
    assert "Results will be drafts" in page and "127.0.0.1:9" in page and "fetch_models" in page
    doctor = bare_site.manage("doctor", check=False)
    assert doctor.returncode == 1
    told = doctor.stdout.partition("!!  results: ")[2].splitlines()
    assert "Results will be drafts" in told[0] and "fetch_models" in told[1]


@pytest.fixture
def offered(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[hub.Hub]:
    """A hub that has the model of the default engine."""
    within(settings, tmp_path)
    settings.ENGINE = "faster-whisper"
    with hub.serving(tiny_whisper.make(tmp_path / "model")) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def expected() -> tuple[str, str]:
    """The headline, and what makes the drafts or doesn't."""
    found = outlook.outlook()
    assert found
    return found.headline, found.sentence.partition("Connection refused). ")[2]


@pytest.mark.django_db
@pytest.mark.starts
def test_what_makes_the_drafts(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    within(settings, tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    model = built_in.write(tmp_path / "packages")
    why = "The built-in model (tiny.en) can't be used: its config.json is not the published one."
    outlook.look_ahead()
    assert expected() == (outlook.FAILURES, why)
    found = diagnostics.built_in_model()
    assert "its config.json" in found.fact and "requirements-model.lock" in found.remedy
    contents = {name: sha256(b"another").hexdigest() for name in published.SHA256}
    monkeypatch.setattr(published, "SHA256", contents)
    assert model.is_dir() and expected() == (outlook.DRAFTS, outlook.BUILT_IN_MODEL)
    assert not diagnostics.built_in_model().remedy
    built_in.hide(monkeypatch)
    gone = "(tiny.en) can't be used: its package is not installed (requirements-model.lock)."
    assert expected() == (outlook.FAILURES, f"The built-in model {gone}")
    found = diagnostics.built_in_model()
    assert "requirements-model.lock" in found.fact and not found.remedy  # no model is amiss


def shown(client: Client) -> str:
    return client.get("/", headers={"accept": "text/html"}).content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_is_only_to_be_downloaded_is_no_warning(offered: hub.Hub) -> None:
    """Looking downloads nothing; what is found counts until the next look."""
    assert outlook.look_ahead() == outlook.outlook()
    asked = [path for path, _ in offered.requests]
    assert asked and not any("resolve" in path for path in asked)
    page = shown(staff_client())
    assert "is downloaded with the first recording" in page and "be drafts" not in page


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_had_is_told_to_everyone(
    offered: hub.Hub, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    outlook.look_ahead()
    guest = Client(headers={"host": "localhost"})
    guest.force_login(User.objects.create_user("guest"))
    page = shown(guest)
    assert "Results will be drafts" in page and "The administrator of this site" in page
    damaged = Path(conf.MODELS_DIR) / "small"
    damaged.mkdir()
    assert str(damaged) in shown(staff_client()) and str(damaged) not in shown(guest)
    damaged.rmdir()
    settings.WHISPER_MODEL = published.NAME  # is there
    assert "be drafts" not in shown(guest)
