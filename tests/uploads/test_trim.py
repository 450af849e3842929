"""What rows keep of the headers that clients send."""

from __future__ import annotations

import pytest

from tests.running import Site, encode_metadata
from tests.uploads.conftest import created, head, patch
from tests.uploads.wire import TUS, ask, identifier

LONG = {"Upload-Metadata": encode_metadata({"filename": "a.bin", "notes": "x" * 12_000 + "y"})}
ROWS = """
from uploads.models import Upload
for key in {keys}:
    row = Upload.objects.get(pk=key)
    print(row.state, row.file_name, len(row.metadata), len(row.concat_header))
"""
OF_BEFORE = """
from uploads.models import Upload
Upload.objects.filter(pk__in={keys}).update(metadata={text!r}, concat_header={text!r})
"""


def rows(site: Site, *paths: str) -> list[list[str]]:
    """State, file name and the lengths of metadata and Upload-Concat in the rows."""
    said = site.shell(ROWS.format(keys=[identifier(path) for path in paths]))
    return [line.split() for line in said.splitlines()]


def test_long_headers_go_when_an_upload_ends(plain_site: Site) -> None:
    """Ten thousand ended uploads with metadata of 16 KB are no 160 MB of database; the name
    stays, and so does all of what was not ended or is short."""
    site = plain_site
    gone, open_, done = (created(site, 1, **LONG) for _ in range(3))
    short = created(site, 1, **{"Upload-Metadata": encode_metadata({"filename": "b.bin"})})
    assert patch(site, done, 0, b"x").status == 204
    for path in (gone, short):
        assert ask(site, "DELETE", path, TUS).status == 204
    length = str(len(LONG["Upload-Metadata"]))
    assert rows(site, gone, open_, done, short) == [
        ["terminated", "a.bin", "0", "0"],
        ["receiving", "a.bin", length, "0"],
        ["finished", "a.bin", length, "0"],
        ["terminated", "b.bin", str(len("filename ") + 8), "0"],
    ]
    assert head(site, done).headers["Upload-Metadata"] == LONG["Upload-Metadata"]


@pytest.mark.proof
def test_the_cleanup_takes_them_from_rows_of_before(sqlite_site: Site) -> None:
    """In batches, from ended uploads alone."""
    site = sqlite_site
    ended = [created(site, 1) for _ in range(3)]
    for path in ended:
        assert ask(site, "DELETE", path, TUS).status == 204
    lives = created(site, 1)
    keys = [identifier(path) for path in (*ended, lives)]
    site.shell(OF_BEFORE.format(keys=keys, text="k " + "eA==" * 4000))
    site.manage("cleanup_uploads")
    lengths = [row[-2:] for row in rows(site, *ended, lives)]
    assert lengths == [["0", "0"]] * 3 + [["16002", "16002"]]
