"""Forms of very many lines, fields or headers."""

from __future__ import annotations

from tests.site.hostile.target import BOUNDARY, KB, MB, Target


def carriage_returns(target: Target) -> str:
    """A form of 20 MB of CRs."""
    return target.form("/speech-to-text", ("file", "a.txt", b"\r" * 20 * MB))


def line_ends(target: Target) -> str:
    """A form of 20 MB of CRLF-."""
    return target.form("/speech-to-text", ("file", "a.txt", b"\r\n-" * 7 * MB))


def recorded_line_ends(target: Target) -> str:
    """The same in a file that is kept."""
    return target.form("/speech-to-text", ("file", "a.wav", b"\r\n-" * 7 * MB))


def form_headers(target: Target) -> str:
    """1,000 parts with 60 headers of 1 kB each."""
    head = b"".join(b"X-%d: " % number + b"a" * KB + b"\r\n" for number in range(58))
    part = b'Content-Disposition: form-data; name="a"\r\n' + head + b"\r\n\r\n"
    body = b"".join(f"--{BOUNDARY}\r\n".encode() + part for _ in range(900))
    end = f"--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return target.post("/speech-to-text", body + end, kind)


def form_of_login(target: Target) -> str:
    """A login form of 2 MB with very many fields."""
    return target.post("/login", b"a&" * MB, "application/x-www-form-urlencoded")


def multipart_of_login(target: Target) -> str:
    """A login form of 9 MB of CRs in parts."""
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n'.encode()
    body = part + b"\r" * 9 * MB + f"\r\n--{BOUNDARY}--\r\n".encode()
    return target.post("/login", body, f"multipart/form-data; boundary={BOUNDARY}")
