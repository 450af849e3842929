"""Makes a Whisper model that always says a given script, for tests without any download.

The folder it writes is a real model in CTranslate2's format: faster-whisper loads it, detects a
language with it, searches beams, obeys time stamp rules and aligns words with it. Only the
weights are no result of training. They are computed:

* A token's embedding is a one-hot "state", and the projection answers each state with the token
  that comes next in the script. So the decoder is a table from the last token to the next one,
  and the rest of the network has nothing to do (its weights are zero).
* Beside the state stands a "clock": a code for a moment of the 30 s window. The encoder's
  positions and the decoder's positions both carry it, and cross attention compares the two. So
  the decoder looks at the frame where its word is due, which is what word times are made of.

The model says its script once for each window of 30 s, whatever the sound.
"""

from __future__ import annotations

import json
import string
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from ctranslate2.specs import WhisperSpec

SCRIPT = (("seven", "green", "boats", "sail", "north"), ("after", "the", "storm", "ends."))
_CODES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th "
    "ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr "
    "pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt "
    "haw ln ha ba jw su"
)
LANGUAGES = tuple(_CODES.split())
TEXT_TOKENS = 50257  # Whisper's multilingual layout: text first, then the special tokens
STATES, CLOCK = 96, 24  # the two parts of the model's width
APART = 2
"""Every second place of the states is empty. Processors with AVX2 but without VNNI add each two
neighbouring products of int8 in 16 bits, where two at their largest are too large."""
WIDTH = STATES + CLOCK
WINDOW_FRAMES, LONGEST_TEXT = 1500, 448
FRAMES_PER_SECOND = 50
PROMPT_TOKENS = 3  # start, language, task: the first word is asked for at the next position
SURE = 14.0  # logit of the scripted token; all others are at 0
TOO_LATE = 1480  # in steps of 20 ms


@dataclass
class Script:
    """What the model says and when: word after word from the start of each window."""

    sentences: Sequence[Sequence[str]] = SCRIPT
    language: str = "en"
    seconds_per_word: float = 0.4
    words: list[str] = field(init=False)
    ends: list[int] = field(init=False)  # of each sentence, in time stamps of 20 ms

    def __post_init__(self) -> None:
        self.words = [word for sentence in self.sentences for word in sentence]
        counts = np.cumsum([len(sentence) for sentence in self.sentences])
        self.ends = [round(count * self.seconds_per_word / 0.02) for count in counts]
        if len(set(self.words)) < len(self.words):
            raise ValueError("a word may come only once: the last token alone says what follows")
        if self.ends[-1] > TOO_LATE:
            raise ValueError("the script must fit in a window of 30 s")

    @property
    def text(self) -> str:
        """All of it, as a transcript would have it."""
        return " ".join(self.words)


def make(folder: Path, script: Script | None = None) -> Path:
    """Write the model to `folder` (about 10 MB, less than a second)."""
    script = script or Script()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer, names = _vocabulary(script.words)
    table = _Table(names)
    _fill(table, script, tokenizer)
    _save(folder, table, names, script)
    tokenizer.save(str(folder / "tokenizer.json"))
    sizes = {"feature_size": 80, "sampling_rate": 16000, "hop_length": 160}
    rest = {"chunk_length": 30, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps(sizes | rest))
    return folder


class _Table:
    """The decoder as a table: state -> what may follow, with which logit."""

    def __init__(self, names: list[str]) -> None:
        self.ids = {name: number for number, name in enumerate(names)}
        self.embedding = np.zeros((len(names), WIDTH), np.float32)
        self.projection = np.zeros((len(names), WIDTH), np.float32)
        self._states = 0

    def special(self, *names: str) -> list[int]:
        return [self.ids[f"<|{name}|>"] for name in names]

    def after(self, befores: Sequence[int], logits: dict[int, float]) -> None:
        """Say what follows each of `befores`."""
        if self._states >= STATES:
            raise ValueError("the script is too long")
        self.embedding[list(befores), self._states] = 1.0
        # The last layer norm sees a one and a clock of length one among zeros, and makes the one
        # this large.
        normed = np.sqrt(WIDTH / 2)
        for token, logit in logits.items():
            self.projection[token, self._states] = logit / normed
        self._states += APART


def _fill(table: _Table, script: Script, tokenizer: tokenizers.Tokenizer) -> None:
    words = [tokenizer.encode(f" {w}", add_special_tokens=False).ids[0] for w in script.words]
    (start,) = table.special("startoftranscript")
    (end,) = table.special("endoftext")
    (zero,) = table.special("0.00")
    languages = table.special(*LANGUAGES)
    spoken = table.special(script.language)
    # Other languages are possible, but less: detection has something to weigh.
    guesses = dict.fromkeys(languages, 0.6 * SURE) | dict.fromkeys(spoken, SURE)
    table.after([start], guesses)
    table.after(languages, dict.fromkeys(table.special("transcribe"), SURE))
    table.after(table.special("transcribe", "translate"), {zero: SURE})
    table.after([zero, *table.special("notimestamps")], {words[0]: SURE})
    last_words = dict(zip(np.cumsum([len(s) for s in script.sentences]), script.ends, strict=True))
    for count, word in enumerate(words, start=1):
        following = words[count] if count < len(words) else end
        if count not in last_words:
            table.after([word], {following: SURE})
            continue
        # Time stamps come at the end of a sentence. Whisper's rule: a time stamp is taken where
        # all of them together outweigh the best word. Without time stamps the next word wins.
        stamp = zero + last_words[count]
        crowd = {stamp + step: SURE - 1.6 for step in range(2, 14)}
        table.after([word], {following: SURE, stamp: SURE - 1} | crowd)
        if following == end:
            table.after([stamp], {end: SURE})
        else:  # end of a sentence and beginning of the next one
            table.after([stamp], {stamp + 1: SURE})
            table.after([stamp + 1], {following: SURE})


def _save(folder: Path, table: _Table, names: list[str], script: Script) -> None:
    spec = WhisperSpec(1, 1, 1, 1)
    _encoder(spec.encoder, script)
    _decoder(spec.decoder, table, script)
    spec.register_vocabulary(names)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = table.special("endoftext")
    spec.config.lang_ids = sorted(table.special(*LANGUAGES))
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))


def _encoder(encoder: Any, script: Script) -> None:
    """Deaf: it passes on nothing but the time."""
    for convolution, channels in ((encoder.conv1, 80), (encoder.conv2, WIDTH)):
        convolution.weight = np.zeros((WIDTH, channels, 3), np.float32)
        convolution.bias = np.zeros(WIDTH, np.float32)
    frames_per_word = script.seconds_per_word * FRAMES_PER_SECOND
    # After the last word time stands still: there the text's end belongs.
    latest = (len(script.words) + 0.5) * frames_per_word
    moments = np.minimum(np.arange(WINDOW_FRAMES), latest)
    encoder.position_encodings.encodings = _clock(moments)
    _norm(encoder.layer_norm)
    layer = encoder.layer[0]
    _silent_attention(layer.self_attention)
    _silent_feed_forward(layer.ffn)


def _decoder(decoder: Any, table: _Table, script: Script) -> None:
    decoder.embeddings.weight = table.embedding
    decoder.projection.weight = table.projection
    frames_per_word = script.seconds_per_word * FRAMES_PER_SECOND
    moments = (np.arange(LONGEST_TEXT) - PROMPT_TOKENS + 0.5) * frames_per_word
    decoder.position_encodings.encodings = _clock(moments)
    _norm(decoder.layer_norm)
    layer = decoder.layer[0]
    _silent_attention(layer.self_attention)
    _silent_feed_forward(layer.ffn)
    _norm(layer.attention.layer_norm)
    compare = np.diag([0.0] * STATES + [2.0] * CLOCK).astype(np.float32)
    queries, keys_and_values, output = layer.attention.linear
    _linear(queries, compare)
    _linear(keys_and_values, np.concatenate([compare, np.zeros_like(compare)]))
    _linear(output, np.zeros((WIDTH, WIDTH), np.float32))


def _clock(moments: np.ndarray) -> np.ndarray:
    """Codes of length one and mean zero; the closer two moments, the more alike their codes."""
    periods = np.geomspace(48, 4000, CLOCK // 4)
    angles = np.asarray(moments)[:, None] * (2 * np.pi / periods)
    waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    code = np.zeros((len(waves), WIDTH), np.float32)
    code[:, STATES:] = np.concatenate([waves, -waves], axis=1) / np.sqrt(CLOCK / 2)
    return code


def _norm(layer: Any) -> None:
    layer.gamma, layer.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


def _linear(layer: Any, weight: np.ndarray) -> None:
    layer.weight, layer.bias = weight, np.zeros(len(weight), np.float32)


def _silent_attention(attention: Any) -> None:
    _norm(attention.layer_norm)
    _linear(attention.linear[0], np.zeros((3 * WIDTH, WIDTH), np.float32))
    _linear(attention.linear[1], np.zeros((WIDTH, WIDTH), np.float32))


def _silent_feed_forward(ffn: Any) -> None:
    _norm(ffn.layer_norm)
    _linear(ffn.linear_0, np.zeros((WIDTH, WIDTH), np.float32))
    _linear(ffn.linear_1, np.zeros((WIDTH, WIDTH), np.float32))


def _vocabulary(words: Sequence[str]) -> tuple[tokenizers.Tokenizer, list[str]]:
    """A byte-level tokenizer with one token for each word of the script, in Whisper's layout."""
    plain = set(string.ascii_letters + string.digits + ".,'?!%$")
    numbers = {
        sign: i for i, sign in enumerate(sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()))
    }
    merges = []
    for word in words:
        if not set(word) <= plain:
            raise ValueError(f"{word!r} is not plain ASCII")
        known = "\u0120"  # how byte-level tokens write the space before a word
        for sign in word:
            if known + sign not in numbers:
                merges.append((known, sign))
                numbers[known + sign] = len(numbers)
            known += sign
    for number in range(len(numbers), TEXT_TOKENS - 1):
        numbers[f"<filler {number}>"] = number
    numbers[""] = TEXT_TOKENS - 1  # by this ctranslate2 knows a multilingual vocabulary
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=numbers, merges=merges))
    # No splitting by a pattern: "ends." stays one word with its full stop.
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=False
    )
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    special = ["endoftext", "startoftranscript", *LANGUAGES, "translate", "transcribe"]
    special += ["startoflm", "startofprev", "nospeech", "notimestamps"]
    tokenizer.add_special_tokens([f"<|{name}|>" for name in special])
    stamps = [f"{step * 0.02:.2f}" for step in range(1501)]
    names = sorted(numbers, key=numbers.__getitem__) + [f"<|{n}|>" for n in special + stamps]
    return tokenizer, names


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
