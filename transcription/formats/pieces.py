"""Splits a text into the pieces between which a new line or subtitle may begin."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from transcription.formats.graphemes import graphemes, width
from transcription.formats.words import OPENING, Stretch

LINE_COLUMNS = 42  # the usual limit of a subtitle line; wide letters take two columns

# Lines may break at these; no-break spaces are not among them.
_BLANKS = " \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u200b\u205f\u3000"
_TOKEN = re.compile(f"[{_BLANKS}]*[^{_BLANKS}]+[{_BLANKS}]*|[{_BLANKS}]+")
# Scripts without spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, Tai,
# Chinese and Japanese (with signs and full-width forms), Yi; and emoji.
_UNSPACED = re.compile(
    "[\u0e01-\u0fff\u1000-\u109f\u2600-\u27bf\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u2e80-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uaa60-\uaadf\uf900-\ufaff\uff01-\uff9f"
    "\U00016fe0-\U00018dff\U0001b000-\U0001b2ff"
    "\U0001f000-\U0001faff\U00020000-\U0003ffff]"
)
# No line begins with these: closing signs, small kana, Thai and Lao vowels after their letter.
_NOT_FIRST = frozenset(
    "!%),.:;?]}¢°’”‰′″›»…‥、。〃々〉》」』】〕〗〙〛〜〞〟ゝゞ・ーヽヾ！％），．：；？］｝｡｣､･ｰ"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿｧｨｩｪｫｬｭｮｯ"
    "ะาๅๆฯะາໆຯ།༎༏"
)
# No line ends with these: opening signs, Thai and Lao vowels before their letter.
_NOT_LAST = frozenset(f"{OPENING}〝〚｢＄￥￡$¥£เแโใไເແໂໃໄ")


class Piece(NamedTuple):
    """A part of the text that stays in one line, with its time in milliseconds.

    Attributes:
        text: With the spaces that follow it.
        start: When it begins to be spoken.
        end: When it has been spoken.
        width: In columns, without those spaces.
        gap: The columns of those spaces.
    """

    text: str
    start: int
    end: int
    width: int
    gap: int


def pieces(text: str, spoken: Sequence[Stretch]) -> Iterator[Piece]:
    """Splits a text before each word, and words longer than a line between letters.

    Args:
        text: One line.
        spoken: When each part of it is spoken; with more than one, they show where words begin.
    """
    begins = [stretch.begin for stretch in spoken]
    places = set(begins) if len(spoken) > 1 else None
    for begin, end in pairwise(chain(_breaks(text, places), (len(text),))):
        piece = text[begin:end]
        letters = piece.rstrip(_BLANKS)
        length = len(letters)
        first = spoken[bisect_right(begins, begin) - 1]
        last = spoken[bisect_right(begins, begin + max(1, length) - 1) - 1]
        start = first.moment(begin)
        gap = width(piece[length:]) if length < len(piece) else 0
        yield Piece(piece, start, max(start, last.moment(end)), width(letters), gap)


def _breaks(text: str, places: Collection[int] | None) -> Iterator[int]:
    """The start of each piece; the first is 0."""
    for begin, end in _tokens(text):
        yield begin
        letters = text[begin:end].rstrip(_BLANKS)
        if _UNSPACED.search(letters) or width(letters) > LINE_COLUMNS:
            yield from (begin + place for place in _within(letters, begin, places))


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """The start and end of each part between spaces, including the spaces that follow."""
    begin = 0
    for token in _TOKEN.finditer(text):
        end = token.end()
        if end == len(text) or _begins_letter(text, end):
            yield begin, end
            begin = end


def _begins_letter(text: str, place: int) -> bool:
    """Whether the text after a space isn't a mark that belongs to the word before it."""
    return text[place].isascii() or next(graphemes(text[place - 1 : place + 1])) == text[place - 1]


def _within(token: str, begin: int, places: Collection[int] | None) -> Iterator[int]:
    """Where to split a text without spaces: before words or, if none are known, before any letter.

    Args:
        token: The text.
        begin: Its position in the whole text.
        places: The positions of words in the whole text; None: unknown.
    """
    at = used = 0  # columns since the last split
    spare, behind = 0, 0  # the last place where a line may begin, and the columns before it
    previous = ""
    for letter in graphemes(token):
        wide = width(letter)
        if previous and _may_part(previous, letter):
            if places is None or begin + at in places:
                yield at
                used = spare = 0
            else:
                spare, behind = at, used
        while used and used + wide > LINE_COLUMNS:
            yield spare or at
            used = used - behind if spare else 0
            spare = 0
        used += wide
        at += len(letter)
        previous = letter


def _may_part(left: str, right: str) -> bool:
    """Whether a line may break between two letters."""
    if right[0] in _NOT_FIRST or left[0] in _NOT_LAST:
        return False
    return bool(_UNSPACED.match(left) or _UNSPACED.match(right))
