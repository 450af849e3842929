"""Bringing files and folders to the page by a drop, and again after a reload."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests import accessibility
from tests.pages.sending import button, choose, enter, slow_down
from tests.running import Site
from tests.speech import recordings

# A file that another program holds.
LOCKED = """() => {
  const { webkitGetAsEntry } = DataTransferItem.prototype;
  DataTransferItem.prototype.webkitGetAsEntry = function () {
    const entry = webkitGetAsEntry.call(this);
    const reader = Object.getPrototypeOf(entry.createReader());
    const { readEntries } = reader;
    reader.readEntries = function (done, failed) {
      readEntries.call(this, (entries) => done(entries.map(lock)), failed);
    };
    return entry;
  };
  const lock = (entry) => {
    const fail = (done, failed) => failed(new DOMException("", "NotReadableError"));
    return entry.name === "locked.wav" ? Object.assign(entry, { file: fail }) : entry;
  };
}"""
# A browser that has no room for copies of files.
CLEAR = """() => new Promise((done) => {
  indexedDB.open("uppy-blobs").onsuccess = ({ target: { result: database } }) => {
    const transaction = database.transaction(["files"], "readwrite");
    transaction.objectStore("files").clear();
    transaction.oncomplete = () => done(database.close());
  };
})"""
# One that is slow to find what it has stored.
SLOW_STORE = """
const { get } = IDBObjectStore.prototype;
IDBObjectStore.prototype.get = function (...wanted) {
  const request = get.apply(this, wanted);
  return {
    set onsuccess(found) {
      request.onsuccess = (event) => setTimeout(() => found(event), 1500);
    },
  };
};
"""


def drag(page: Page, data: dict[str, object], *kinds: str) -> None:
    """Over the head of the page, as from another program."""
    box = page.locator(".site-header").bounding_box()
    assert box
    place = {"x": box["x"] + 5, "y": box["y"] + 5}
    session = page.context.new_cdp_session(page)
    for kind in kinds:
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
    session.detach()


def drop(page: Page, *paths: Path) -> None:
    files = {"items": [], "files": [*map(str, paths)], "dragOperationsMask": 1}
    drag(page, files, "dragEnter", "dragOver", "drop")


def test_a_drop_anywhere_uploads_and_text_is_left_alone(
    site: Site, page: Page, tmp_path: Path
) -> None:
    """Of a folder its recordings are taken, but not what systems put there for themselves; what
    cannot be read is named."""
    folder = tmp_path / "folder"
    (folder / "within").mkdir(parents=True)
    (folder / ".DS_Store").write_text("for itself")
    (tmp_path / "empty").mkdir()
    for path in (folder / "dropped.wav", folder / "within" / "deeper.wav", folder / "locked.wav"):
        recordings.write(path, recordings.silence(0.5))
    enter(page, site)
    overlay = page.get_by_text("Drop to upload")
    text = {"mimeType": "text/plain", "data": "some words"}
    words = {"items": [text], "files": [], "dragOperationsMask": 1}
    files = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    page.evaluate("addEventListener('drop', event => (window.taken = event.defaultPrevented))")
    page.evaluate(LOCKED)
    drag(page, words, "dragEnter", "dragOver")
    expect(overlay).to_be_hidden()
    drag(page, words, "dragCancel")
    drag(page, files, "dragEnter", "dragOver")
    expect(overlay).to_be_visible()
    assert accessibility.problems(page) == []
    drag(page, files, "drop")
    expect(overlay).to_be_hidden()
    for name in ("dropped.wav", "deeper.wav"):
        expect(page.locator("#jobs li", has_text=name)).to_be_visible(timeout=15_000)
    notes = page.locator("#upload-notes li")
    expect(notes).to_have_text(
        [
            re.compile("2 recordings are uploaded"),
            re.compile("1 file couldn't be read: folder/locked.wav"),
        ]
    )
    assert page.evaluate("window.taken")
    dismiss = page.get_by_role("button", name="Dismiss this message")
    dismiss.first.press("Enter")
    expect(dismiss).to_be_focused()  # the next one's
    dismiss.press("Enter")
    expect(page.get_by_role("button", name="browse files")).to_be_focused()
    drop(page, tmp_path / "empty")
    expect(notes).to_have_text(re.compile("No files found."))


def test_after_a_reload_folders_resume_and_early_files_are_kept(
    site: Site, page: Page, tmp_path: Path
) -> None:
    """A file from a folder is asked for with its folder, since alone it is another upload; what is
    dropped before the browser has found what it stored is uploaded, too."""
    folder = tmp_path / "lectures"
    folder.mkdir()
    recordings.write(folder / "autumn.wav", recordings.silence(60))
    early = recordings.write(tmp_path / "early.wav", recordings.silence(60))
    enter(page, site)
    session = slow_down(page, 5e5)
    drop(page, folder)
    expect(page.locator("#sending li")).to_contain_text("left", timeout=15_000)
    button(page, "Pause").press("Enter")
    expect(page.locator("#sending li")).to_contain_text("Paused")
    page.wait_for_timeout(1000)  # Uppy writes down now and then what it does
    page.evaluate(CLEAR)
    page.add_init_script(SLOW_STORE)
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    choose(page, early)
    notes = page.locator("#upload-notes")
    wanted = "Drop the folder “lectures” with “autumn.wav” again to resume."
    expect(notes).to_contain_text(wanted, timeout=15_000)
    expect(page.locator("#sending li")).to_contain_text("early.wav")
    session.detach()
    drop(page, folder)
    for name in ("early.wav", "autumn.wav"):
        expect(page.locator("#jobs li", has_text=name)).to_have_count(1, timeout=15_000)
    expect(notes).not_to_contain_text(wanted)
    made = site.shell(
        "from uploads.models import Upload\n"
        "print(*Upload.objects.filter(file_name='autumn.wav').values_list('state', flat=True))"
    )
    assert made.split() == ["finished"]
