"""nginx with nothing but `proxy_pass`: everybody seems to come from this machine, in vain."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
import requests

from tests.programs import needed
from tests.running import Site, free_port, wait_for
from tests.site.test_access import CLOSED, METHODS, OPEN, TUS

pytestmark = pytest.mark.proof

# nginx rewrites Host, and leaves no mark of its own.
BARE = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    {places}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
        }}
    }}
}}
"""
KINDS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@pytest.fixture(scope="module")
def proxy(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an nginx in front of the site."""
    program, folder, port = needed("nginx"), tmp_path_factory.mktemp("nginx"), free_port()
    places = "\n    ".join(f"{kind}_temp_path {folder}/{kind};" for kind in KINDS)
    text = BARE.format(folder=folder, places=places, port=port, upstream=site.port)
    (folder / "nginx.conf").write_text(text)
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    running = subprocess.Popen(command, stderr=(folder / "stderr").open("wb"))
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(address), 20, what=f"nginx, see {folder}")
        yield address
    finally:
        running.terminate()
        running.wait(10)


def answers(address: str) -> bool:
    try:
        return requests.get(address + "/health", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def test_behind_a_bare_proxy_pass_no_route_is_open(site: Site, proxy: str) -> None:
    """401 for programs, the login for people; but health, login, static files and tus OPTIONS."""
    held = site.create(5, {"filename": "a.mp3"}).removeprefix(site.url)
    people = {"Accept": "text/html"}
    with requests.Session() as session:
        for path in [*CLOSED, held]:
            for method in METHODS:
                answer = session.request(
                    method, proxy + path, headers=TUS, allow_redirects=False, timeout=30
                )
                if method == "OPTIONS" and path.startswith("/uploads/files"):
                    continue
                assert answer.status_code == 401, (method, path, answer.status_code)
            page = session.get(proxy + path, headers=people, allow_redirects=False, timeout=30)
            if path.startswith("/uploads/files"):
                assert page.status_code == 401
            else:
                assert page.headers["Location"].startswith("/login?next="), path
        for path in OPEN:
            assert session.get(proxy + path, timeout=30).status_code == 200
        login = session.get(proxy + "/login", headers=people, timeout=30).text
        sheet = login.split('rel="stylesheet" href="')[1].split('"')[0]
        assert session.get(proxy + sheet, timeout=30).status_code == 200
    assert site.offset(site.url + held) == 0


def test_behind_it_a_key_opens(site: Site, proxy: str) -> None:
    answer = requests.get(proxy + "/task/all", headers=site.authorization, timeout=30)
    assert answer.status_code == 200
