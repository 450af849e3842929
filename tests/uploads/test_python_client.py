"""tus-py-client: chunks, checksums, stored addresses, several at once."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.storage import filestorage
from tusclient.uploader.uploader import Uploader

from tests.running import Site
from tests.uploads.conftest import content, created, head
from tests.uploads.test_concatenation import final
from tests.uploads.wire import path_of


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recording") / "talk.mp3"
    file.write_bytes(b"ID3\x04" + random.Random(9).randbytes(2_500_000))
    return file


def client_of(site: Site, **headers: str) -> TusClient:
    return TusClient(f"{site.url}/uploads/files/", headers={**site.authorization, **headers})


def complete(site: Site, address: str | None, file: Path) -> None:
    assert address
    assert head(site, path_of(address)).offset == file.stat().st_size
    assert content(site, path_of(address)) == file.read_bytes()


def test_uploads_in_chunks(plain_site: Site, recording: Path) -> None:
    metadata = {"filename": "talk.mp3", "empty": "", "name": "Gr\u00f6\u00dfe"}
    uploader = client_of(plain_site).uploader(
        str(recording), chunk_size=1024 * 1024, metadata=metadata
    )
    uploader.upload()
    complete(plain_site, uploader.url, recording)


def test_pauses_and_resumes(plain_site: Site, recording: Path) -> None:
    client = client_of(plain_site)
    first = client.uploader(str(recording), chunk_size=700_001)
    first.upload_chunk()  # type: ignore[no-untyped-call]
    second = client.uploader(str(recording), chunk_size=999_999, url=first.url)
    assert second.offset == 700_001
    second.upload()
    complete(plain_site, first.url, recording)


def test_resumes_from_its_storage(plain_site: Site, recording: Path, tmp_path: Path) -> None:
    """store_url: a new uploader of the same file finds the address by the file's fingerprint."""
    storage = filestorage.FileStorage(str(tmp_path / "storage"))  # type: ignore[no-untyped-call]

    def uploader() -> Uploader:
        return client_of(plain_site).uploader(
            str(recording), chunk_size=900_000, store_url=True, url_storage=storage
        )

    first = uploader()
    first.upload_chunk()  # type: ignore[no-untyped-call]
    again = uploader()
    assert (again.url, again.offset) == (first.url, 900_000)
    again.upload()
    storage.close()  # type: ignore[no-untyped-call]
    complete(plain_site, again.url, recording)


def test_every_chunk_has_a_checksum(plain_site: Site, recording: Path) -> None:
    """upload_checksum: sha1 of each chunk, as the client computes it."""
    uploader = client_of(plain_site).uploader(
        str(recording), chunk_size=600_000, upload_checksum=True
    )
    uploader.upload()
    complete(plain_site, uploader.url, recording)


def test_a_chunk_that_was_damaged_on_the_way(plain_site: Site, recording: Path) -> None:
    """460: the client fails, nothing is kept, and the same client can go on."""

    class Damaged:
        """sha1 of something else."""

        def __init__(self, data: bytes) -> None:
            pass

        def digest(self) -> bytes:
            return bytes(20)

    class Damaging(Uploader):
        CHECKSUM_ALGORITHM_PAIR = ("sha1", Damaged)  # type: ignore[assignment]

    good = client_of(plain_site).uploader(str(recording), chunk_size=600_000, upload_checksum=True)
    good.upload_chunk()  # type: ignore[no-untyped-call]
    bad = Damaging(
        str(recording),
        url=good.url,
        client=client_of(plain_site),
        chunk_size=600_000,
        upload_checksum=True,
    )
    with pytest.raises(TusCommunicationError) as problem:
        bad.upload()
    assert problem.value.status_code == 460
    assert good.url
    assert head(plain_site, path_of(good.url)).offset == 600_000
    good.upload()
    complete(plain_site, good.url, recording)


def test_many_uploads_at_once(plain_site: Site, recording: Path) -> None:
    """Eight threads, each with an upload of its own."""

    def upload(turn: int) -> str | None:
        uploader = client_of(plain_site).uploader(str(recording), chunk_size=400_000 + turn)
        uploader.upload()
        return str(uploader.url)

    with ThreadPoolExecutor(8) as pool:
        addresses = list(pool.map(upload, range(8)))
    assert len(set(addresses)) == 8
    for address in addresses:
        complete(plain_site, address, recording)


def test_parts_in_threads(plain_site: Site, recording: Path, tmp_path: Path) -> None:
    """A parallel upload by hand, as the client offers none: parts with Upload-Concat, one final."""
    whole = recording.read_bytes()
    third = len(whole) // 3 + 1

    def upload(turn: int) -> str:
        piece = tmp_path / str(turn)
        piece.write_bytes(whole[turn * third : (turn + 1) * third])
        client = client_of(plain_site, **{"Upload-Concat": "partial"})
        uploader = client.uploader(str(piece), chunk_size=200_000)
        uploader.upload()
        return str(uploader.url)

    with ThreadPoolExecutor(3) as pool:
        parts = list(pool.map(upload, range(3)))
    made = final(plain_site, parts)
    assert made.status == 201
    complete(plain_site, plain_site.url + made.headers["Location"], recording)


def test_the_asynchronous_client(plain_site: Site, recording: Path) -> None:
    async def upload() -> str:
        uploader = client_of(plain_site).async_uploader(str(recording), chunk_size=800_000)
        await uploader.upload()
        return str(uploader.url)

    complete(plain_site, asyncio.run(upload()), recording)


def test_an_upload_that_is_gone(plain_site: Site, recording: Path) -> None:
    """404: the client says so, and does not start anew by itself."""
    path = created(plain_site, 10)
    address = plain_site.url + path
    assert plain_site.http.delete(address, timeout=10).status_code == 204
    with pytest.raises(TusCommunicationError) as problem:
        client_of(plain_site).uploader(str(recording), url=address)
    assert problem.value.status_code == 404
