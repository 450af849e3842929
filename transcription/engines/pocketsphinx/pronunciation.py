"""Guesses the pronunciation of English words that are in no dictionary from their letters.

That is good enough to find where a word begins and ends.
"""

from __future__ import annotations

import re
import unicodedata

SOUNDS = {
    "tch": "CH", "igh": "AY", "sch": "SH", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F",
    "ck": "K", "qu": "K W", "ng": "NG", "wh": "W", "wr": "R", "kn": "N", "ee": "IY", "ea": "IY",
    "oo": "UW", "ou": "AW", "ow": "OW", "oy": "OY", "oi": "OY", "ai": "EY", "ay": "EY",
    "au": "AO", "aw": "AO", "er": "ER", "ir": "ER", "ur": "ER",
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH",
    "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R",
    "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
    "0": "Z IH R OW", "1": "W AH N", "2": "T UW", "3": "TH R IY", "4": "F AO R", "5": "F AY V",
    "6": "S IH K S", "7": "S EH V AH N", "8": "EY T", "9": "N AY N",
}  # fmt: skip
LONGEST = 3  # letters of a key of SOUNDS


def parts(word: str) -> list[str]:
    """The spoken parts of a written word, in lower case: "Twenty-five," is twenty and five."""
    plain = unicodedata.normalize("NFKD", word.lower().replace("\u2019", "'"))
    said = re.findall(r"[a-z0-9]+(?:'[a-z]+)*", plain.encode("ascii", "ignore").decode())
    return [part for group in said for part in re.findall(r"[a-z']+|[0-9]", group)]


def guess(part: str) -> str:
    """The sounds of a part, by the names of the pronunciation dictionary."""
    sounds = []
    at = 0
    while at < len(part):
        size = next((n for n in range(LONGEST, 0, -1) if part[at : at + n] in SOUNDS), 0)
        if size:
            sounds.append(SOUNDS[part[at : at + size]])
        at += size or 1
    return " ".join(sounds)
