"""Assets of all kinds: downloaded from a stand-in for the hub and from addresses of their own."""

from __future__ import annotations

import errno
import os
import random
import shutil
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engines import hub, needy
from transcription.engines.model_files import assets, download, locations
from transcription.engines.model_files.ensure_downloaded import ModelUnavailable, obtain
from transcription.engines.model_files.locations import FetchError, wanted
from transcription.engines.model_files.unpack import unpack

PICKLE = b"\x80\x02"  # how files of torch may begin
ALIGNER = assets.hub_aligner(needy.ALIGNER, "en", "the aligner for English")
DIARIZER = assets.diarizer(needy.DIARIZER)


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[hub.Hub]:
    with needy.serving(tmp_path, monkeypatch) as server:
        yield server


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def address(serving: hub.Hub, content: bytes) -> assets.Asset:
    """One file at an address of its own."""
    assert serving.plain
    (serving.plain / "big.pth").write_bytes(content)
    source = assets.Source(url=f"{serving.url}/plain/big.pth")
    return replace(assets.torchaudio_aligner("big.pth", "fr", "French"), source=source)


def test_which_files_of_a_repository_are_wanted() -> None:
    here = ["config.json", "vocab.json", "README.md", "model.safetensors", "pytorch_model.bin"]
    chosen = ["config.json", "vocab.json", "model.safetensors"]
    assert wanted(here, ALIGNER.source, ALIGNER.needs) == chosen
    here.remove("model.safetensors")
    assert wanted(here, ALIGNER.source, ALIGNER.needs)[-1] == "pytorch_model.bin"
    here = [".gitattributes", "config.yaml", "plda/plda.npz", "plda/.hidden"]
    assert wanted(here, DIARIZER.source, DIARIZER.needs) == here[1:3]


@pytest.mark.proof
def test_of_a_repository_only_what_is_needed(serving: hub.Hub, models_dir: Path) -> None:
    told: list[tuple[int, int | None]] = []
    assert assets.problem(models_dir, ALIGNER) == "there is no such folder"
    folder = obtain(ALIGNER, models_dir, lambda done, total: told.append((done, total)))
    assert folder == models_dir / "aligner" / "en" and assets.problem(models_dir, ALIGNER) == ""
    assert files(folder) == ["config.json", "model.safetensors", "vocab.json"]
    assert told and all(done <= (total or done) for done, total in told)
    asked = len(serving.requests)
    assert obtain(ALIGNER, models_dir) == folder and len(serving.requests) == asked
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="aligner/en in the models folder is damaged"):
        obtain(ALIGNER, models_dir)


def test_an_address_goes_on_where_it_stopped_unless_the_file_is_another_one(
    serving: hub.Hub, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "good")
    first, second = PICKLE + bytes(1_000_000), PICKLE + b"x" * 1_000_000
    for content in (first, second):
        asset = address(serving, content)
        serving.cut_after = 500_000
        assets.forget_failures(models_dir)
        with pytest.raises(ModelUnavailable):
            obtain(asset, models_dir)
    assets.forget_failures(models_dir)
    folder = obtain(asset, models_dir)
    assert files(folder) == ["big.pth"] and (folder / "big.pth").read_bytes() == second
    ranges = [asked or "" for _, asked in serving.requests]
    assert ranges[:2] == ["", ""]
    assert int(ranges[2].removeprefix("bytes=").rstrip("-")) > 400_000
    assert serving.keys["/plain/big.pth"] is None  # the hub's key is nobody else's business


@pytest.mark.proof
def test_a_zip_is_unpacked(serving: hub.Hub, models_dir: Path) -> None:
    folder = obtain(needy.punkt(), models_dir)
    assert files(folder) == ["tokenizers/punkt_tab/english/collocations.tab"]
    assert (folder / "tokenizers/punkt_tab/README").read_text() == "sentences"


@pytest.mark.parametrize(
    "name", ["../out", "/out", "a/../../out", "..\\out", "C:\\out", "C:out", "link"]
)
def test_a_zip_that_means_harm_is_not_unpacked(name: str, tmp_path: Path) -> None:
    member = zipfile.ZipInfo(name)
    if name == "link":
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "harm.zip", "w") as archive:
        archive.writestr("first", "harmless")
        archive.writestr(member, "/etc")
    with pytest.raises(FetchError, match="outside its folder"):
        unpack(tmp_path / "harm.zip", tmp_path / "in" / "here")
    assert list(tmp_path.rglob("*")) == []  # the next try gets it anew


def test_what_is_no_zip(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"<html>Please sign in</html>")
    with pytest.raises(FetchError, match=r"a\.zip is damaged"):
        unpack(tmp_path / "a.zip", tmp_path / "in")
    assert not (tmp_path / "a.zip").exists()  # the next try gets it anew


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_was_damaged_on_its_way_leaves_nothing(method: int, tmp_path: Path) -> None:
    content = random.Random(1).randbytes(20_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("whole", content)
        archive.writestr("damaged", content)
    packed = bytearray((tmp_path / "a.zip").read_bytes())
    packed[len(packed) // 2 + 3000 : len(packed) // 2 + 6000] = bytes(3000)
    (tmp_path / "a.zip").write_bytes(packed)
    with pytest.raises(FetchError, match=r"a\.zip (is damaged|can't be unpacked)"):
        unpack(tmp_path / "a.zip", tmp_path / "in")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [("a", "a/b"), ("x" * 300,), ("a/", "a")])
def test_a_zip_of_names_that_cannot_be(names: tuple[str, ...], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "" if name.endswith("/") else "text")
    with pytest.raises(FetchError, match=r"a\.zip can't be unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "in")
    assert list(tmp_path.iterdir()) == []


def test_a_zip_with_a_file_of_no_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", "text")
    packed = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(packed.replace(b"a", b"\x00"))
    with pytest.raises(FetchError, match=r"a\.zip is damaged"):
        unpack(tmp_path / "a.zip", tmp_path / "in")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_zip_is_fetched_anew_though_its_length_is_unknown(
    serving: hub.Hub, models_dir: Path
) -> None:
    asset, zip_file = needy.punkt(), serving.plain_file("punkt_tab.zip")
    whole, serving.no_lengths = zip_file.read_bytes(), True
    zip_file.write_bytes(whole[:-30])
    with pytest.raises(ModelUnavailable, match=r"punkt_tab\.zip is damaged"):
        obtain(asset, models_dir)
    assert files(assets.partial(models_dir, asset)) == []
    zip_file.write_bytes(whole)
    assets.forget_failures(models_dir)
    assert assets.held(obtain(asset, models_dir), asset.needs[0][0])


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full."),
        (errno.EDQUOT, "The disk is full."),
        (errno.EIO, "The models folder can't be written: Input/output error."),
        (errno.ECONNREFUSED, "There is no connection to"),
    ],
)
def test_the_disk_is_no_fault_of_the_network(number: int, words: str) -> None:
    told = download.reason(OSError(number, os.strerror(number)), ALIGNER)
    assert words in told


def test_a_page_in_place_of_a_model_is_none(serving: hub.Hub, models_dir: Path) -> None:
    """A proxy that wants a login answers 200, too; it must not count as the model for ever."""
    asset = address(serving, b"<html>Please sign in</html>")
    with pytest.raises(ModelUnavailable, match=r"big\.pth isn't a model"):
        obtain(asset, models_dir)
    assets.forget_failures(models_dir)
    asset = address(serving, PICKLE + b"weights")
    folder = obtain(asset, models_dir)
    assert (folder / "big.pth").read_bytes() == PICKLE + b"weights"
    # One that was taken for a model before anybody looked, is found as well.
    (folder / "big.pth").write_bytes(b"<html>Please sign in</html>")
    assert "big.pth is damaged" in assets.problem(models_dir, asset)
    with pytest.raises(ModelUnavailable, match="fr in the models folder is damaged. Remove it"):
        obtain(asset, models_dir)


def test_a_login_page_takes_nothing_of_what_is_held(serving: hub.Hub, models_dir: Path) -> None:
    asset = address(serving, PICKLE + bytes(1_000_000))
    serving.cut_after = 500_000
    with pytest.raises(ModelUnavailable):
        obtain(asset, models_dir)
    held = assets.size_on_disk(assets.partial(models_dir, asset))
    serving.says = "text/html; charset=utf-8"
    assets.forget_failures(models_dir)
    with pytest.raises(
        ModelUnavailable, match=r"A web page was sent instead of big\.pth; does this network need"
    ):
        obtain(asset, models_dir)
    assert assets.size_on_disk(assets.partial(models_dir, asset)) == held > 400_000


def test_a_file_of_torch_without_its_end(
    serving: hub.Hub, models_dir: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "whole", "w") as archive:
        archive.writestr("data.pkl", bytes(2000))
    whole = (tmp_path / "whole").read_bytes()
    asset = address(serving, whole[:-100])
    with pytest.raises(ModelUnavailable, match=r"big\.pth isn't a model, or is damaged"):
        obtain(asset, models_dir)
    assets.forget_failures(models_dir)
    asset = address(serving, whole)
    assert (obtain(asset, models_dir) / "big.pth").read_bytes() == whole


def test_more_than_the_hub_said_is_not_taken(
    serving: hub.Hub, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = serving.listing(needy.ALIGNER)
    for file in listed["siblings"]:
        file["size"] = 1
    monkeypatch.setattr(serving, "listing", lambda repository: listed)
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match=r"config\.json is longer than it should be"):
            obtain(ALIGNER, models_dir)
        assert assets.size_on_disk(assets.partial(models_dir, ALIGNER)) == 0
        assets.forget_failures(models_dir)


def test_a_file_of_unknown_length_has_an_end(
    serving: hub.Hub, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = address(serving, PICKLE + bytes(1_000_000))
    serving.no_lengths = True
    monkeypatch.setattr(download, "MOST_BYTES", 300_000)
    with pytest.raises(FetchError, match=r"big\.pth is longer than it should be"):
        download.fetch(str(models_dir), asset, lambda event, **values: None)
    assert assets.size_on_disk(assets.partial(models_dir, asset)) == 0


ODD_SIZE = b'{"id": "x", "siblings": [{"rfilename": "config.json", "size": "x"}]}'
ODD_NAME = b'{"id": "x", "siblings": [{"rfilename": "config.json", "blobId": 7}]}'


@pytest.mark.parametrize(
    "answer", [b"<html>Sign in</html>", b"", b"\xff", b"[]", b"{}", b"7", ODD_SIZE, ODD_NAME]
)
def test_an_answer_that_is_none(serving: hub.Hub, models_dir: Path, answer: bytes) -> None:
    """A page of a proxy among them; the hub's client raises whatever comes of it."""
    serving.answer = answer
    with pytest.raises(Exception) as caught:
        download.fetch(str(models_dir), ALIGNER, lambda event, **values: None)
    told = download.reason(caught.value, ALIGNER)
    assert told.startswith("127.0.0.1:") and "sent a response that can't be read" in told


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp://x/y", "http://[::1", "http://x:99999"])
def test_an_address_of_the_hub_that_is_none(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(FetchError) as caught:
        download.fetch(str(models_dir), ALIGNER, lambda event, **values: None)
    assert download.reason(caught.value, ALIGNER) == f"HF_ENDPOINT is not a URL: {endpoint}."


def test_a_rest_that_there_is_not_starts_anew(serving: hub.Hub, models_dir: Path) -> None:
    """416: what is held is none of the file."""
    asset = address(serving, PICKLE + b"x" * 100)
    [file] = locations.listing(asset, 5)
    serving.no_ranges = True
    partial = assets.partial(models_dir, asset)
    partial.mkdir(parents=True)
    (partial / f"big.pth.{file.version}.part").write_bytes(PICKLE + b"y" * 50)
    assert (obtain(asset, models_dir) / "big.pth").read_bytes() == PICKLE + b"x" * 100


def test_what_the_disk_cannot_hold_is_not_begun(
    serving: hub.Hub, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of another version are no part of what is to come, and go first."""
    asset = address(serving, PICKLE + bytes(2_999_998))
    partial = assets.partial(models_dir, asset)
    partial.mkdir(parents=True)
    (partial / "big.pth.0123456789abcdef.part").write_bytes(bytes(2_500_000))
    usage = shutil.disk_usage(models_dir)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    sizes = "The disk is too full: 3 MB are needed, 1 MB are free"
    with pytest.raises(FetchError, match=sizes):
        download.fetch(str(models_dir), asset, lambda event, **values: None)
    assert [path for path, _ in serving.requests] == [] and list(partial.iterdir()) == []


@pytest.mark.proof
def test_a_gated_model_says_where_its_conditions_are_accepted(
    serving: hub.Hub, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving.gated = {needy.DIARIZER}
    for key, status in (("", 401), ("bad", 403)):
        monkeypatch.setenv("HF_TOKEN", key)
        assets.forget_failures(models_dir)
        with pytest.raises(ModelUnavailable) as caught:
            obtain(DIARIZER, models_dir)
        reason = str(caught.value)
        assert needy.PAGE in reason and "HF_TOKEN" in reason and str(status) in reason
        assert reason.count(". ") == 0 and reason.endswith(".")
    monkeypatch.setenv("HF_TOKEN", "good")
    with pytest.raises(ModelUnavailable, match="HF_TOKEN"):
        obtain(DIARIZER, models_dir)  # that is remembered
    assets.forget_failures(models_dir)
    folder = obtain(DIARIZER, models_dir)
    assert files(folder) == ["config.yaml", "segmentation/pytorch_model.bin"]


@pytest.mark.proof
def test_a_hub_that_means_harm(
    serving: hub.Hub, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [{"rfilename": "config.yaml"}, {"rfilename": "../../out.json"}]
    listed: dict[str, Any] = {"id": "x/y", "sha": hub.COMMIT, "siblings": files}
    monkeypatch.setattr(serving, "listing", lambda repository: listed)
    with pytest.raises(ModelUnavailable, match=r"invalid name: '\.\./\.\./out"):
        obtain(assets.diarizer("x/y"), models_dir)
    assert len(serving.requests) == 1


def test_assets_travel_as_json() -> None:
    for asset in (ALIGNER, DIARIZER, assets.punkt(), assets.torchaudio_aligner("f", "de", "x")):
        assert assets.from_json(asset.as_json()) == asset
