"""The site behind a real nginx with README's own configuration, over TLS on a free port."""

from __future__ import annotations

import http.client
import os
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.programs import needed
from tests.running import ROOT, Site, encode_metadata, free_port, wait_for
from tests.uploads.wire import DATA, TUS, identifier, path_of

pytestmark = pytest.mark.proof

BLOCK = re.search(r"```nginx\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
MAIN = """daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {block}
}}
"""
CERTIFICATE = [
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
    *("-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
]
APP = "https://app.example.org"


class Proxy:
    """nginx as README says, and the site behind it."""

    def __init__(self, folder: Path) -> None:
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        self.folder = folder
        self.site = Site(
            folder / "data",
            UPLOADS_ACCEPT="any",
            UPLOADS_STORE="tests.uploads.obedient_store.ObedientStore",
            PUBLIC_URL=self.url,
            CORS_ALLOWED_ORIGINS=APP,
            CORS_ALLOW_HEADERS="X-Tenant",
        )
        self.http = requests.Session()
        self.http.headers["Tus-Resumable"] = "1.0.0"
        self.http.auth = self.site.sign
        self.http.trust_env = False  # else a bundle of the machine's counts in place of this one
        self.http.verify = str(folder / "certificate.pem")

    def start(self, nginx: str) -> None:
        """Start both; only addresses, files and the patience are other ones than README's."""
        assert BLOCK
        files = ["-out", f"{self.folder}/certificate.pem", "-keyout", f"{self.folder}/key.pem"]
        subprocess.run([*CERTIFICATE, *files], check=True, capture_output=True)
        block = BLOCK[1]
        for said, here in (
            ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"),
            ("/etc/ssl/transcripts.pem", f"{self.folder}/certificate.pem"),
            ("/etc/ssl/transcripts.key", f"{self.folder}/key.pem"),
            ("http://127.0.0.1:8000", self.site.url),
            ("proxy_read_timeout 300s;", "proxy_read_timeout 2s;"),
        ):
            assert said in block, said
            block = block.replace(said, here)
        configuration = self.folder / "nginx.conf"
        configuration.write_text(MAIN.format(folder=self.folder, block=block))
        errors = str(self.folder / "error.log")
        command = [nginx, "-p", str(self.folder), "-e", errors, "-c", str(configuration)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.site.start()
        wait_for(self.answers, 20, what=f"start of nginx, see {errors}")

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "error.log").read_text()
        try:
            return self.http.get(f"{self.url}/health", timeout=5).ok
        except requests.RequestException:
            return False

    def stop(self) -> None:
        self.site.kill_everything()
        self.process.kill()
        self.process.wait(10)

    def ask(self, method: str, path: str, **options: object) -> requests.Response:
        address = path if "://" in path else self.url + path
        return self.http.request(method, address, timeout=60, **options)  # type: ignore[arg-type]

    def part(self, data: bytes) -> str:
        """A finished part; its address as clients know it."""
        headers = {**DATA, "Upload-Concat": "partial", "Upload-Length": str(len(data))}
        made = self.ask("POST", "/uploads/files/", data=data, headers=headers)
        assert made.status_code == 201, made.text
        return self.url + made.headers["Location"]

    def final(self, parts: list[str]) -> requests.Response:
        headers = {"Upload-Concat": f"final;{' '.join(parts)}"}
        return self.ask("POST", "/uploads/files/", headers=headers)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    nginx = needed("nginx")
    running = Proxy(tmp_path_factory.mktemp("nginx"))
    try:
        running.start(nginx)
        yield running
    finally:
        running.stop()


@pytest.fixture
def slow(proxy: Proxy) -> Iterator[None]:
    """Copying within the store takes seconds."""
    flag = proxy.site.data_dir / "uploads" / "slow"
    flag.touch()
    yield
    flag.unlink()


def test_metadata_of_four_kilobytes_comes_back(proxy: Proxy) -> None:
    """In the answer to HEAD, which nginx reads into one buffer."""
    metadata = encode_metadata({"filename": "talk.mp3", "notes": os.urandom(6000)})
    made = proxy.ask(
        "POST", "/uploads/files/", headers={"Upload-Length": "3", "Upload-Metadata": metadata}
    )
    assert made.status_code == 201, made.text
    asked = proxy.ask("HEAD", made.headers["Location"])
    assert (asked.status_code, asked.headers["Upload-Metadata"]) == (200, metadata)


@pytest.mark.parametrize("count", [4, 120])
def test_parts_are_joined_by_their_public_addresses(proxy: Proxy, count: int) -> None:
    """Parallel uploads on a port of the proxy's own. What HEAD tells then is short enough for any
    client and proxy: 120 addresses are not."""
    parts = [proxy.part(b"%03d" % number) for number in range(4)]
    parts = [parts[number % 4] for number in range(min(count, 40))]
    # Each may be joined ten times; other addresses of the same parts make a list as long.
    parts += [proxy.part(b"%03d" % number) for number in range(count - len(parts))]
    made = proxy.final(parts)
    assert made.status_code == 201, made.text
    asked = proxy.ask("HEAD", made.headers["Location"])
    assert asked.headers["Upload-Offset"] == asked.headers["Upload-Length"] == str(3 * count)
    whole = f"final;{' '.join(parts)}"
    assert asked.headers["Upload-Concat"] == (whole if count == 4 else "final;")
    assert sum(len(f"{name}: {value}\r\n") for name, value in asked.headers.items()) < 4096
    content = proxy.ask("GET", made.headers["Location"]).content
    assert len(content) == 3 * count and content.startswith(b"000001002003")


def test_bytes_pass_as_they_come(proxy: Proxy) -> None:
    """A body larger than all buffers; its first half is held before the second one is sent."""
    data = os.urandom(24 * 2**20)
    made = proxy.ask("POST", "/uploads/files/", headers={"Upload-Length": str(len(data))})
    name = identifier(made.headers["Location"])
    file = proxy.site.data_dir / "uploads" / name[:2] / name

    def halves() -> Iterator[bytes]:
        yield data[: len(data) // 2]
        wait_for(lambda: file.stat().st_size >= len(data) // 2, 20)
        yield data[len(data) // 2 :]

    sent = proxy.ask(
        "PATCH", made.headers["Location"], data=halves(), headers={**DATA, "Upload-Offset": "0"}
    )
    assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, str(len(data)))
    assert proxy.ask("GET", made.headers["Location"]).content == data


def test_what_is_terminated_during_its_patch_hears_so(proxy: Proxy) -> None:
    made = proxy.ask("POST", "/uploads/files/", headers={"Upload-Length": str(8 * 2**20)})
    path = made.headers["Location"]
    context = ssl.create_default_context(cafile=str(proxy.folder / "certificate.pem"))
    client = http.client.HTTPSConnection("localhost", proxy.port, timeout=20, context=context)
    client.putrequest("PATCH", path)
    headers = {**DATA, **proxy.site.authorization, "Upload-Offset": "0"}
    for name, value in {**headers, "Content-Length": str(8 * 2**20)}.items():
        client.putheader(name, value)
    client.endheaders(bytes(2**20))
    file = proxy.site.data_dir / "uploads" / identifier(path)[:2] / identifier(path)
    wait_for(lambda: file.stat().st_size, 20)
    assert proxy.ask("DELETE", path).status_code == 204
    client.send(bytes(2**20))
    assert client.getresponse().status == 410
    client.close()
    assert proxy.ask("HEAD", path).status_code == 404


def test_a_joining_that_outlasts_the_proxy_makes_one_upload(proxy: Proxy, slow: None) -> None:
    """504 after proxy_read_timeout: the same POST again goes on with the same upload."""
    parts = [proxy.part(os.urandom(2**20)), proxy.part(os.urandom(2**18))]
    answers = [proxy.final(parts)]
    while answers[-1].status_code == 504 and len(answers) < 20:
        answers.append(proxy.final(parts))
    assert (answers[0].status_code, answers[-1].status_code) == (504, 201)
    assert finals_of(proxy, parts[0]) == [f"{identifier(answers[-1].headers['Location'])}:finished"]


def test_a_joining_that_found_no_room_goes_on(proxy: Proxy) -> None:
    """507 takes no room and loses nothing: the same POST again joins the same upload."""
    parts = [proxy.part(b"one"), proxy.part(b"two")]
    flag = proxy.site.data_dir / "uploads" / "full"
    flag.touch()
    try:
        assert proxy.final(parts).status_code == 507
    finally:
        flag.unlink()
    waiting = finals_of(proxy, parts[0])
    made = proxy.final(parts)
    assert made.status_code == 201
    name = identifier(made.headers["Location"])
    assert (waiting, finals_of(proxy, parts[0])) == ([f"{name}:receiving"], [f"{name}:finished"])
    assert proxy.ask("GET", made.headers["Location"]).content == b"onetwo"


def finals_of(proxy: Proxy, part: str) -> list[str]:
    return proxy.site.shell(
        "from uploads.models import Part\n"
        f"rows = Part.objects.filter(part='{identifier(part)}').select_related('final')\n"
        "print(*{f'{row.final.id.hex}:{row.final.state}' for row in rows})"
    ).split()


def test_figures_can_be_read_on_the_site_s_own_port(proxy: Proxy) -> None:
    """Prometheus reads them there, without TLS: a way to https would lead through the proxy."""
    answer = requests.get(f"{proxy.site.url}/metrics", allow_redirects=False, timeout=30)
    assert answer.status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_the_way_to_https_keeps_the_method(proxy: Proxy, method: str) -> None:
    """After 301 clients come back with GET and without a body: nginx and the site say 308."""
    path = "/uploads/files/" if method == "POST" else "/uploads/files/" + "0" * 32
    for address in (f"http://127.0.0.1:{proxy.plain_port}", proxy.site.url):
        for cookie in ({}, {"Cookie": "theme=dark"}):  # the short way of tools, and the long one
            answer = proxy.ask(
                method, address + path, allow_redirects=False, headers={**TUS, **cookie}
            )
            permanent = 301 if method == "GET" and address == proxy.site.url else 308
            assert answer.status_code == permanent
            assert answer.headers["Location"].startswith("https://")


def test_named_origins_may_send_cookies_and_named_headers(proxy: Proxy) -> None:
    """CORS_ALLOWED_ORIGINS with names: credentials; CORS_ALLOW_HEADERS adds to what passes."""
    asked = {
        "Origin": APP,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "x-tenant, upload-offset, traceparent",
    }
    answer = proxy.ask("OPTIONS", "/uploads/files/", headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"x-tenant", "upload-offset", "traceparent", "baggage"} <= set(allowed)
    other = proxy.ask(
        "OPTIONS", "/uploads/files/", headers={**asked, "Origin": "https://evil.example"}
    )
    assert not [name for name in other.headers if name.startswith("Access-Control-Allow")]


def test_the_log_names_the_address_that_is_listened_on(proxy: Proxy) -> None:
    assert f"Listening at: {proxy.site.url} (" in proxy.site.log.read_text()


def test_parts_may_have_a_name_of_the_site_that_it_does_not_know(proxy: Proxy) -> None:
    """Clients took it from their own address; every byte was sent when it was refused."""
    part = proxy.part(b"one")
    assert proxy.final([f"https://elsewhere.example{path_of(part)}"]).status_code == 201
