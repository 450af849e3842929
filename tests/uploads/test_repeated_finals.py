"""A final POST that is sent again, because its answer was lost or late, makes one upload."""

from __future__ import annotations

import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.running import Site, encode_metadata, wait_for
from tests.uploads.conftest import ROOT, content, head
from tests.uploads.test_completion import SHAM, jobs
from tests.uploads.test_concatenation import final, part
from tests.uploads.wire import TUS, Wire, ask, identifier

pytestmark = pytest.mark.proof


def made_of(site: Site, parts: list[str]) -> list[str]:
    """The final uploads in which the first of these parts is, and their states."""
    first = uuid.UUID(identifier(parts[0]))
    return site.shell(
        "from uploads.models import Upload\n"
        f"rows = Upload.objects.filter(parts__part='{first}').distinct()\n"
        "print(*(f'{row.id.hex}:{row.state}' for row in rows))"
    ).split()


def named(name: str) -> dict[str, str]:
    return {"Upload-Metadata": encode_metadata({"filename": name})}


def test_the_same_final_again_is_the_same_upload(plain_site: Site) -> None:
    """Same parts in the same order, same metadata: the same address, and one job."""
    name = f"{uuid.uuid4().hex}.mp3"
    parts = [part(plain_site, SHAM), part(plain_site, SHAM[::-1])]
    answers = [final(plain_site, parts, **named(name)) for _ in range(3)]
    assert {answer.status for answer in answers} == {201}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert jobs(plain_site, name) == [answers[2].headers["X-Task-Id"]]
    # Another name, or another order, is another upload; so is one after its end.
    others = [final(plain_site, parts, **named("other.mp3")), final(plain_site, parts[::-1])]
    assert ask(plain_site, "DELETE", answers[0].headers["Location"], TUS).status == 204
    others.append(final(plain_site, parts, **named(name)))
    made = {answer.headers["Location"] for answer in [answers[0], *others]}
    assert len(made) == 4
    assert content(plain_site, others[2].headers["Location"]) == SHAM + SHAM[::-1]


@pytest.mark.parametrize("sent", [True, False])
def test_a_final_whose_client_has_gone_is_found_again(plain_site: Site, sent: bool) -> None:
    """The connection breaks before the answer; the client asks again, its parts finished or not."""
    parts = [part(plain_site, b"one"), part(plain_site, b"two", send=sent)]
    headers = {**TUS, "Upload-Concat": f"final;{' '.join(parts)}"}
    with Wire(plain_site) as wire:
        wire.head("POST", ROOT, headers)
        wire.reset()
    wait_for(lambda: made_of(plain_site, parts), 10)
    answer = ask(plain_site, "POST", ROOT, headers)
    assert answer.status == 201
    state = "finished" if sent else "receiving"
    assert made_of(plain_site, parts) == [f"{identifier(answer.headers['Location'])}:{state}"]


def test_the_same_final_many_times_at_once(plain_site: Site) -> None:
    """Whoever is first makes it; all hear of it, and nothing else is left in the store."""
    parts = [part(plain_site, os.urandom(300_000)), part(plain_site, b"end")]
    before = set((plain_site.data_dir / "uploads").glob("??/*"))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: final(plain_site, parts), range(8)))
    assert [answer.status for answer in answers] == [201] * 8
    paths = {answer.headers["Location"] for answer in answers}
    assert made_of(plain_site, parts) == [f"{identifier(*paths)}:finished"]
    assert content(plain_site, *paths)[-3:] == b"end"
    added = set((plain_site.data_dir / "uploads").glob("??/*")) - before
    assert {file.name.removesuffix(".fence") for file in added} == {identifier(*paths)}


def test_a_final_is_found_again_when_its_parts_have_expired(plain_site: Site) -> None:
    """Parts that were joined live for an hour; their whole stays."""
    parts = [part(plain_site, b"one"), part(plain_site, b"two")]
    path = final(plain_site, parts).headers["Location"]
    ids = [str(uuid.UUID(identifier(each))) for each in parts]
    plain_site.shell(
        "from uploads.models import Upload; from uploads.services.termination import expire\n"
        f"[expire(part) for part in Upload.objects.filter(pk__in={ids})]"
    )
    assert head(plain_site, parts[0]).status == 410
    again = final(plain_site, parts)
    assert (again.status, again.headers["Location"]) == (201, path)
    assert final(plain_site, parts[:1]).status == 410
