"""Recognises recordings by name and first 512 bytes, before the rest is sent.

It only rejects files that certainly aren't recordings; the probe decides later. So a name of one
family with the bytes of another is accepted, and so are bytes in which a decoder might still find
audio.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from transcription.media.names import RARE, SUFFIXES, USUAL

HEAD = 512
"""The number of bytes that are checked."""

_STREAMS = "aac ac3 adts eac3 m2a m2t m2ts m2v mp1 mp2 mp3 mpa mpeg mpg mpga mts ts vob"
STREAMS = frozenset(_STREAMS.split())
"""Streams without a header: decoders skip zeros and junk before the first frame."""

_MAGIC = (
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF: WMA, WMV
    b"OggS",
    b"#!AMR",  # AMR and AMR-WB (AWB)
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"riff\x2e\x91\xcf\x11",  # W64
    b"ID3",  # before MPEG audio, and sometimes before AAC, FLAC, WAV, AIFF
    b"APETAGEX",
    b"fLaC",
    b"\x0b\x77",  # AC-3 and E-AC-3
    b"\x77\x0b",
    b"\x7f\xfe\x80\x01",  # DTS, in its four byte orders
    b"\xfe\x7f\x01\x80",
    b"\x1f\xff\xe8\x00",
    b"\xff\x1f\x00\xe8",
    b"DTSHDHDR",
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"\x00\x00\x01\xe0",
    b"\x00\x00\x01\xc0",
    b"caff",
    b".snd",
    b"FLV\x01",
    b"MAC ",
    b"wvpk",
    b"TTA1",
    b"TTA2",
    b"tBaK",
    b"MP+",
    b"MPCK",
    b"DSD ",
    b"Creative Voice File",
    b".RMF",
    b".ra\xfd",
    b"\x06\x0e\x2b\x34\x02\x05",  # MXF
    b"NIST_1A",
    b".SoX",
    b"XoS.",
    b"nut/multimedia",
    b"\x02dss",  # dictation machines
    b"\x03dss",
    b"\x64\xa3\x01\x00",  # IRCAM, by the machine that wrote it
    b"\x64\xa3\x02\x00",
    b"\x64\xa3\x03\x00",
    b"\x64\xa3\x04\x00",
    b"\x00\x01\xa3\x64",
    b"\x00\x02\xa3\x64",
    b"\x00\x03\xa3\x64",
    b"\x00\x04\xa3\x64",
    b"#!iLBC",
    b"PVF1",
    b"2BIT",
    b"MMMD",
    b"FRM8",
    b"qoaf",
    b"TWIN",
    b"ajkg",
    b"OSQ ",
    b"ea3\x03",
    b"\xb7\xd8\x00\x20\x37\x49\xda\x11",  # Windows' television recorder
    b"NSVf",
    b"NSVs",
    b"NuppelVideo",
    b"MythTVVideo",
    b"DHAV",
    b"SMK2",
    b"SMK4",
    b"BIK",
)
_RIFF_KINDS = frozenset((b"WAVE", b"AVI ", b"AVIX", b"AMV ", b"CDXA", b"RMP3", b"QLCM", b"XWMA"))
_IFF_KINDS = frozenset((b"AIFF", b"AIFC", b"8SVX", b"16SV", b"MAUD"))
_MP4_BOXES = frozenset(
    b"ftyp moov mdat free skip wide pnot PICT styp sidx moof uuid junk udta".split()
)
_IMAGE_BRANDS = frozenset(b"heic heix heim heis mif1 msf1 hevc avif avis".split())

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"SQLite format 3", "a database"),
    (b"#EXTM3U", "a playlist"),
    (b"ffconcat", "a playlist"),
    (b"[playlist]", "a playlist"),
)


def name_problem(filename: str) -> str:
    """ "" if the name has the extension of a recording, else a sentence that names accepted
    ones."""
    name = re.split(r"[/\\]", filename.strip())[-1]
    stem, dot, suffix = name.rpartition(".")
    if dot and suffix.lower() in SUFFIXES:
        return ""
    accepted = ", ".join(f".{known}" for known in USUAL)
    if not dot:
        return f"The file name has no extension. Accepted: {accepted} and others."
    return f'Files that end in ".{suffix[:20]}" are not accepted. Accepted: {accepted} and others.'


def media_problem(filename: str, head: bytes, complete: bool) -> str:
    """ "" if this may be a recording, else a sentence that says why it isn't one.

    Args:
        filename: The client's name for it.
        head: The first bytes; only 512 are checked.
        complete: Whether these are all bytes of the file.
    """
    if problem := name_problem(filename):
        return problem
    head = head[:HEAD]
    if not head:
        return "The file is empty." if complete else ""
    if _is_container(head) or _is_bare_audio(head) or _is_transport_stream(head):
        return ""
    if kind := _known_otherwise(head):
        return f"The file is {kind}, not a recording."
    suffix = filename.strip().rpartition(".")[2].lower()
    if suffix in RARE and head.strip(b"\0"):
        return ""
    if suffix in STREAMS and _may_begin_later(head, complete):
        return ""
    if not head.strip(b"\0"):
        return "The file starts with zeros only, so it isn't a recording of its kind."
    return "The file's first bytes match no known kind of recording."


def begins_like_media(head: bytes) -> bool:
    """Whether a file with an unknown extension begins like a recording.

    Args:
        head: The first bytes; only 512 are checked.
    """
    head = head[:HEAD]
    packets = (head[first::size] for first, size in ((0, 188), (4, 192)))
    return (
        _is_container(head)
        or (len(head) == HEAD and _is_bare_audio(head))  # fewer may be one by chance
        or any(len(signs) > 1 and set(signs) == {0x47} for signs in packets)
    )


def problem_of(filename: str, head: bytes, complete: bool) -> str:
    """ "" if this may be a recording; without a known extension, only the first bytes count.

    Args:
        filename: The client's name for it; may be empty.
        head: The first bytes; only 512 are checked.
        complete: Whether these are all bytes of the file.
    """
    if problem := name_problem(filename):
        return "" if begins_like_media(head) else problem
    return media_problem(filename, head, complete)


def _is_container(head: bytes) -> bool:
    if head.startswith(_MAGIC):
        return True
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return head[8:12] in _RIFF_KINDS
    if head[:4] == b"FORM":
        return head[8:12] in _IFF_KINDS
    if head[4:8] in _MP4_BOXES:
        return not (head[4:8] == b"ftyp" and head[8:12] in _IMAGE_BRANDS)
    return False


def _is_bare_audio(head: bytes) -> bool:
    return any(follows(head, 0) for follows in (_mpeg_audio, _adts, _loas))


def _may_begin_later(head: bytes, complete: bool) -> bool:
    """Whether a frame begins somewhere, or there are only zeros so far."""
    if not head.strip(b"\0"):
        return not complete
    checks: tuple[Callable[[bytes, int], bool], ...] = (_mpeg_audio, _adts, _ac3)
    return any(check(head, at) for at in range(len(head) - 3) for check in checks)


_FULL = (  # kbit/s by layer, for MPEG 1
    (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
_LOW_RATES = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_LOW = ((32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256), _LOW_RATES, _LOW_RATES)
_RATES = (44100, 48000, 32000)


def _mpeg_audio(data: bytes, at: int) -> bool:
    """An MPEG audio frame header, followed by another one if that much is there."""
    length = _mpeg_length(data[at : at + 4])
    after = data[at + length : at + length + 4]
    return length > 0 and (len(after) < 4 or _mpeg_length(after) > 0)


def _mpeg_length(header: bytes) -> int:
    """The bytes of the frame that begins with this header; 0 if it isn't a header.

    Version, layer, bit rate and sample rate each have invalid values. A "free" bit rate counts as
    invalid, too: FFmpeg finds no such streams.
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rate, bits, padding = header[2] >> 2 & 3, header[2] >> 4, header[2] >> 1 & 1
    if version == 1 or layer == 4 or rate == 3 or bits in (0, 15):
        return 0
    full = version == 3
    table = (_FULL if full else _LOW)[layer - 1]
    hertz = _RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    bit_rate = table[bits - 1] * 1000
    if layer == 1:
        return (12 * bit_rate // hertz + padding) * 4
    return (144 if full or layer == 2 else 72) * bit_rate // hertz + padding


def _adts(data: bytes, at: int) -> bool:
    """An ADTS (AAC) frame header, followed by another one if that much is there."""
    length = _adts_length(data[at : at + 7])
    after = data[at + length : at + length + 7]
    return length > 0 and (len(after) < 7 or _adts_length(after) > 0)


def _adts_length(header: bytes) -> int:
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    if header[2] >> 2 & 15 > 12:  # the sample rate
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0


def _loas(data: bytes, at: int) -> bool:
    """AAC in LOAS: each frame says where the next one begins."""
    seen = 0
    while at + 3 <= len(data):
        if data[at] != 0x56 or data[at + 1] & 0xE0 != 0xE0:
            return False
        at += ((data[at + 1] & 0x1F) << 8 | data[at + 2]) + 3
        seen += 1
    return seen > 0


def _ac3(data: bytes, at: int) -> bool:
    return data[at : at + 2] == b"\x0b\x77"


def _is_transport_stream(head: bytes) -> bool:
    """Packets of 188 bytes, or 192 or 204 with additions, each beginning with the same byte."""
    for size in (188, 192, 204):
        for first in range(min(size, len(head))):
            signs = head[first::size]
            if len(signs) >= 2 and set(signs) == {0x47}:
                return True
    return False


def _known_otherwise(head: bytes) -> str:
    """The kind of file, if it is a well-known one that isn't a recording."""
    for magic, kind in _OTHERS:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" or head[4:8] == b"ftyp":
        return "a picture"
    if re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml|svg|head|body|!--)", head, re.I):
        return "a web page or XML"
    return "a text" if _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head):
        return False
    try:
        head[:-3].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 8 and len(head) > 16
    return True
