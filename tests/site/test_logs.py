"""The log is for people who look for what went wrong."""

import logging

from tests.running import Site, wait_for
from whisperx_site.logs import LineFormatter


def test_what_clients_send_forges_no_line(site: Site) -> None:
    address = f"{site.url}/uploads/files/x%0a17:00:00%20web%20ERROR%20forged%1b[31m%00"
    assert site.http.delete(address, timeout=10).status_code == 404
    text = wait_for(lambda: text if "forged" in (text := site.log.read_text()) else "", 5)
    assert "\x1b" not in text and "\x00" not in text
    assert not [line for line in text.splitlines() if line.startswith("17:00:00 web ERROR forged")]


def test_tracebacks_keep_their_lines() -> None:
    try:
        raise ValueError("inside")
    except ValueError as problem:
        record = logging.LogRecord(
            "x", 40, "f", 1, "a\nb", (), (type(problem), problem, problem.__traceback__)
        )
    text = LineFormatter("%(process_name)s %(message)s").format(record)
    assert text.splitlines()[0].endswith(r"a\nb")
    assert len(text.splitlines()) > 3
