"""JSON documents that are long to read, or wrong in very many places."""

from __future__ import annotations

from collections.abc import Callable

from tests.site.hostile.target import KB, MB, Target


def json_documents(first: bytes, second: bytes = b"[]") -> Callable[[Target], str]:
    """Two documents to be combined."""

    def send(target: Target) -> str:
        parts = ("aligned_transcript", "a.json", first), ("diarization_result", "d.json", second)
        return target.form("/service/combine", *parts)

    return send


def filled(begin: bytes, item: bytes, end: bytes, size: int) -> bytes:
    """A JSON list of as many items as fit into a size."""
    return begin + b",".join([item] * (size // (len(item) + 1))) + end


WORD = b'{"word":"a","start":1.5,"end":2.5,"score":0.5}'
DOCUMENTS = {
    "all items of a document are wrong": json_documents(
        filled(b'{"word_segments":[],"segments":[', b"1", b"]}", 7_900 * KB)
    ),
    "empty objects": json_documents(
        filled(b'{"word_segments":[],"segments":[', b"{}", b"]}", 1 * MB)
    ),
    "8 MB of empty objects": json_documents(
        filled(b'{"word_segments":[],"segments":[', b"{}", b"]}", 7_900 * KB)
    ),
    "8 MB of empty lists": json_documents(filled(b"[", b"[]", b"]", 7_900 * KB)),
    "8 MB of numbers": json_documents(filled(b"[", b"1e5", b"]", 7_900 * KB)),
    "deep lists": json_documents(b"[" * 7_900 * KB),
    "8 MB of words": json_documents(
        filled(b'{"segments":[],"word_segments":[', WORD, b"]}", 7_900 * KB),
        b"[" * 1000,
    ),
    "8 MB of escapes": json_documents(b'"' + b"\\u1234" * (1_300 * KB) + b'"'),
    "turns that are all wrong": json_documents(
        b'{"segments":[],"word_segments":[]}', filled(b"[", b"1", b"]", 7_900 * KB)
    ),
}
