"""The OpenAPI document and the pages that show it (contract, sections 1 and 7.5), over HTTP."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.validation import validate_schema
from playwright.sync_api import Browser, Page, expect

from tests.contract.defaults import ALIGNMENT as A
from tests.contract.defaults import ASR as O
from tests.contract.defaults import DIARIZATION as D
from tests.contract.defaults import MODEL as M
from tests.contract.defaults import VOICE as V
from tests.running import ROOT, Site
from tests.site.people import sign_in
from transcription.services.options.devices import default_device

pytestmark = pytest.mark.proof

TAGS = {
    "/speech-to-text": "Speech-2-Text",
    "/speech-to-text-url": "Speech-2-Text",
    "/service/transcribe": "Speech-2-Text services",
    "/service/align": "Speech-2-Text services",
    "/service/diarize": "Speech-2-Text services",
    "/service/combine": "Speech-2-Text services",
    "/task/all": "Tasks Management",
    "/task/{identifier}": "Tasks Management",
    "/task/{identifier}/delete": "Tasks Management",
    "/tasks/{identifier}/progress": "Tasks Management",
    "/task/{identifier}/partial": "Tasks Management",
    "/health": "Health",
    "/health/live": "Health",
    "/health/ready": "Health",
    "/upload/stream": "Uploads",
    "/uploads/files/": "TUS Upload",
    "/uploads/files/{upload_id}": "TUS Upload",
    "/v1/models": "OpenAI-compatible",
    "/v1/models/{name}": "OpenAI-compatible",
    "/v1/audio/transcriptions": "OpenAI-compatible",
    "/v1/audio/translations": "OpenAI-compatible",
}
FULL = {**M, **A, **D, **O, **V, "callback_url": None}
QUERIES: dict[str, dict[str, Any]] = {
    "/speech-to-text": FULL,
    "/speech-to-text-url": FULL,
    "/service/transcribe": {**M, **O, **V},
    "/service/align": {**A, "device": default_device()},
    "/service/diarize": {**D, "device": default_device()},
    "/service/combine": {},
    "/task/all": {"q": None, "status": None, "page": 1, "page_size": 50},
}
PARTS = {
    "/speech-to-text": {"file"},
    "/service/transcribe": {"file"},
    "/service/align": {"transcript", "file"},
    "/service/diarize": {"file"},
    "/service/combine": {"aligned_transcript", "diarization_result"},
}
COMPLAINTS = ("Content Security Policy", "Content-Security-Policy", "Refused to", "violates")


@pytest.fixture(scope="module")
def document(site: Site) -> dict[str, Any]:
    answer = site.http.get(f"{site.url}/openapi.json", timeout=30)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def test_it_is_a_document_of_this_title(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "whisperX REST service"
    assert document["info"]["version"] == "0.0.1"
    validate_schema(document)  # type: ignore[no-untyped-call]


def test_every_address_has_its_tag(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == set(TAGS)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["tags"] == [TAGS[path]], path
    assert {tag["name"] for tag in document["tags"]} == set(TAGS.values())


@pytest.mark.parametrize("path", QUERIES)
def test_parameters_and_their_defaults(document: dict[str, Any], path: str) -> None:
    """Section 2: what the query may say, and what counts where it does not."""
    (operation,) = document["paths"][path].values()
    parameters = {one["name"]: one for one in operation.get("parameters", ())}
    defaults = {name: one["schema"].get("default") for name, one in parameters.items()}
    own: dict[str, Any] = {}  # beyond the contract
    if "device" in QUERIES[path]:
        own |= {"audio_track": None, "priority": "normal"}
    if "model" in QUERIES[path]:
        own["condition_on_previous_text"] = False
    assert defaults == QUERIES[path] | own
    assert all(one["in"] == "query" and not one.get("required") for one in parameters.values())


def test_the_text_so_far_is_asked_for_by_a_place(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/task/{identifier}/partial"]["get"]["parameters"]
    (place,) = (one for one in parameters if one["in"] == "query")
    assert (place["name"], place["schema"]["default"], place["schema"]["minimum"]) == (
        *("after", 0, 0),
    )


def test_words_that_parameters_take(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/speech-to-text"]["post"]["parameters"]
    words = {one["name"]: one["schema"].get("enum", ()) for one in parameters}
    assert len(words["language"]) == 100 and len(words["model"]) == 18
    assert words["task"] == ["transcribe", "translate"]
    assert words["device"] == ["cuda", "cpu"]
    assert words["compute_type"] == ["float16", "float32", "int8"]
    assert words["priority"] == ["low", "normal", "high"]
    assert words["interpolate_method"] == ["nearest", "linear", "ignore"]


def test_forms(document: dict[str, Any]) -> None:
    for path, parts in PARTS.items():
        body = document["paths"][path]["post"]["requestBody"]
        form = body["content"]["multipart/form-data"]["schema"]
        assert body["required"] and set(form["required"]) == set(form["properties"]) == parts
    url = document["paths"]["/speech-to-text-url"]["post"]["requestBody"]["content"]
    assert set(url) == {"application/x-www-form-urlencoded", "multipart/form-data"}


def test_the_callback_is_listed_in_one_place(document: dict[str, Any]) -> None:
    """Section 7.5."""
    listed = [
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if "callbacks" in operation
    ]
    assert listed == ["/speech-to-text-url"]


def test_answers_are_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    row = set(schemas["TaskSummaryResponse"]["properties"])
    assert len(row) == 11 and not row & {"callback_url", "task_params", "result"}
    assert set(schemas["Result"]["properties"]) == {"status", "result", "metadata", "error"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            assert {"200", "201", "204"} & set(answers), path
            assert "401" in answers or path.startswith("/health"), path


# The pages, in a real browser -------------------------------------------------------------------


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """A page that may load nothing from elsewhere; what ReDoc would like to is its logo."""
    context = chromium.new_context()
    sign_in(context, site)
    opened = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda problem: said.append(f"violates: {problem}"))
    opened.on("requestfinished", lambda request: asked.append(request.url))
    yield opened
    context.close()
    complaints = [text for text in said if any(word in text for word in COMPLAINTS)]
    assert not [text for text in complaints if "redoc/logo-mini.svg" not in text]
    assert asked and all(url.startswith((site.url, "blob:", "data:")) for url in asked)


def version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def test_swagger_ui_shows_and_asks(site: Site, page: Page) -> None:
    page.goto(site.url)
    page.get_by_role("link", name="API", exact=True).click()
    page.wait_for_url(f"{site.url}/docs")
    assert page.title() == f"Swagger UI – Transcripts API {version()}"
    page.locator(".opblock").first.wait_for()
    heading = page.locator(".info .title")
    expect(heading).to_contain_text("Transcripts API")
    expect(heading).to_contain_text(version())
    assert page.locator(".opblock").count() > 20
    page.click("#operations-Health-health")
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute", exact=True).click()
    page.locator(".live-responses-table", has_text="Service is running").wait_for()


def test_redoc_shows_and_finds(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/docs")
    page.get_by_role("link", name="Read", exact=True).click()
    page.wait_for_url(f"{site.url}/redoc")
    assert page.title() == f"ReDoc – Transcripts API {version()}"
    page.get_by_role("heading", name=f"Transcripts API ({version()})").wait_for()
    page.get_by_placeholder("Search").fill("speakers apart")
    page.locator("[role=search] [role=menuitem]", has_text="Tell speakers apart").wait_for()


# Text and what is behind it, as relative luminance from 0 (black) to 1.
LUMINANCE = """element => {
  const values = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
  let behind = element;
  while (behind && values(getComputedStyle(behind).backgroundColor)[3] === 0) {
    behind = behind.parentElement;
  }
  const page = behind ? getComputedStyle(behind).backgroundColor : "rgb(255, 255, 255)";
  return [light(values(getComputedStyle(element).color)), light(values(page))];
}"""


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("/docs", (".info .title", ".opblock-summary-description", ".docs-header a")),
        ("/redoc", ("h1", "h2", "h5", "main p", "[role=menuitem] span[title]", ".docs-header a")),
    ],
)
def test_they_follow_the_dark(site: Site, page: Page, path: str, places: tuple[str, ...]) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(site.url + path)
    for place in places:
        page.locator(place).first.wait_for()
        text, behind = page.locator(place).first.evaluate(LUMINANCE)
        assert behind < 0.3 and text > behind + 0.3, (place, text, behind)


def test_the_policy_is_relaxed_for_these_pages_alone(site: Site) -> None:
    for path in ("/docs", "/redoc"):
        policy = site.http.get(site.url + path, timeout=30).headers["Content-Security-Policy"]
        rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
        assert rules["default-src"] == "'self'" and "script-src" not in rules
        assert rules["style-src"] == "'self' 'unsafe-inline'"
    for path in ("/", "/openapi.json", "/docs/x", "/health", "/login"):
        headers = {"Accept": "text/html"}
        answer = site.http.get(site.url + path, headers=headers, timeout=30)
        assert "unsafe" not in answer.headers["Content-Security-Policy"], path
