"""The protocol's part of an API description says what `uploads.errors` says."""

from __future__ import annotations

import json

from uploads import errors
from uploads.errors import UploadError
from uploads.http import description


def kinds(kind: type[UploadError]) -> set[type[UploadError]]:
    """All errors of a kind that the table has."""
    below = {one for sub in kind.__subclasses__() for one in {sub, *kinds(sub)}}
    return {one for one in below if one.__module__ == errors.__name__}


def test_every_refusal_is_described_by_its_status_and_its_sentence() -> None:
    described: dict[int, str] = {}
    for operations in description.paths().values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                described[int(status)] = described.get(int(status), "") + answer["description"]
    for kind in kinds(UploadError):
        if kind.message != UploadError.message:  # else the site says it in its own words
            assert kind.message in described[kind.status], kind


def test_each_method_has_its_own_refusals() -> None:
    creation, upload = description.paths().values()
    statuses = {
        method: {int(status) for status in operation["responses"]}
        for method, operation in {**upload, "post": creation["post"]}.items()
    }
    assert statuses["options"] == {204, 503}
    assert statuses["head"] == {200, 400, 404, 410, 412, 503}
    assert statuses["delete"] == {204, 400, 404, 410, 412, 503}
    assert {429, 403, 460, 507} < statuses["post"] and 416 not in statuses["post"]
    assert statuses["patch"] - {204} == statuses["post"] - {201, 429}
    assert {206, 304, 416} < statuses["get"]
    assert all("content" not in answer for answer in upload["head"]["responses"].values())


def test_it_is_plain_data() -> None:
    assert json.loads(json.dumps(description.paths())) == description.paths()
