"""Which containers are opened, and the media type of each.

Only those that contain their own data and have a signature. Excluded are formats that name other
files (playlists, DASH, HLS, IMF, `concat`, VobSub, Magic Lantern's MLV), pictures, texts and
subtitles, devices or networks, and streams without a header: any file could be taken for one of
those.
"""

from __future__ import annotations

_USUAL = """mov matroska webm avi asf wav w64 mp3 aac loas flac ogg amr aiff caf au ac3 eac3 dts
dtshd truehd mlp mpegts mpeg flv ape wv tta tak mpc mpc8 dsf voc rm oma mxf xwma nut sox
nistsphere"""
_SPEECH = "dss act aa qcp ilbc bit pvf ircam avr epaf hcom iff sds wve nsp mmf aea"
"""Dictation machines, telephones, audio books, archives of audio."""
_MUSIC = "bonk osq rka shn wavarc vqf wsd iamf qoa laf apac dsicin s337m spdif"
_TELEVISION = "wtv ty dv gxf lxf nsv nuv pva ivr rpl swf dhav luodat ifv iv8 r3d mtv mxg pmp"
"""Recorders of television, cameras, old video on the web."""
_GAMES = """3dostr 4xm aax acm ads adx afc aix alp apc apm argo_asf argo_brp argo_cvg ast avs
bethsoftvid bfi bfstm bink binka bmv boa brstm c93 cdxl dcstr derf dfa dxa ea film_cpk fsb fwse hca
hnm idcin ipmovie iss jv kvag mca mgsts mm mods moflex msf mtaf musx mv mvi paf pp_bnk psxstr
redspark rl2 roq rsd scd sdns sga siff smjpeg smk smush sol svag svs thp tiertexseq tmv usm vag
vividas vivo vmd vpk wady wc3movie wsaud wsvqa xa xmd xmv xvag yop"""

FORMATS = ",".join(" ".join((_USUAL, _SPEECH, _MUSIC, _TELEVISION, _GAMES)).split())
"""FFmpeg's names of them."""

TIMED_FORMATS = frozenset("mov matroska webm mpegts mpeg asf flv wtv".split())
"""Formats with reliable time stamps for late audio and pauses; in others the stamps are
estimates."""

STREAMED_FORMATS = frozenset(("mpegts", "mpeg"))
"""Formats without an index, in which any kind of stream may begin anywhere."""

_WEBM_CODECS = {"vp8", "vp9", "av1", "opus", "vorbis"}
_MIME = {  # container -> (with pictures, sound only)
    # All of the MP4 family is served as MP4: browsers only play MOV and 3GP with that type.
    "mov": ("video/mp4", "audio/mp4"),
    "webm": ("video/webm", "audio/webm"),
    "matroska": ("video/x-matroska", "audio/x-matroska"),
    "avi": ("video/x-msvideo", "audio/x-msvideo"),
    "asf": ("video/x-ms-wmv", "audio/x-ms-wma"),
    "ogg": ("video/ogg", "audio/ogg"),
    "flv": ("video/x-flv", "audio/x-flv"),
    "mpegts": ("video/mp2t", "audio/mp2t"),
    "mpeg": ("video/mpeg", "audio/mpeg"),
    "mp3": ("audio/mpeg", "audio/mpeg"),
    "wav": ("audio/wav", "audio/wav"),
    "au": ("audio/basic", "audio/basic"),
    "caf": ("audio/x-caf", "audio/x-caf"),
    "wtv": ("video/x-ms-wtv", "audio/x-ms-wtv"),
    "dss": ("audio/x-dss", "audio/x-dss"),
}


def own_name(name: str, codecs: set[str]) -> str:
    """The container by FFmpeg's short name, with WebM distinguished from other Matroska.

    Args:
        name: All of FFmpeg's names for it, such as "mov,mp4,m4a".
        codecs: Those of the video and of the audio that is used.
    """
    name = name.split(",")[0]
    return "webm" if name == "matroska" and codecs <= _WEBM_CODECS else name


def mime_of(name: str, has_video: bool) -> str:
    """The media type to serve it with."""
    with_pictures, sound_only = _MIME.get(name, (f"video/{name}", f"audio/{name}"))
    return with_pictures if has_video else sound_only
