"""Makes a wav2vec2 model that finds every letter one moment after the other, for tests.

The folder is a real model for transformers; all letters are equally likely to it at any moment. So
the best way through the sound is the shortest: the first letter of a segment (a blank counts as
one) has the segment's first moment, the second letter the second one. Times can be told beforehand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", "|")
CONVOLUTIONS = ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))
"""Width and step of each, as in all models of this kind: a moment is 20 ms."""
RATE = 16_000


def make(folder: Path, letters: str = LETTERS) -> Path:
    """Write the model to `folder` (40 kB, a moment)."""
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {letter: number for number, letter in enumerate((*SPECIAL, *letters))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    listener = transformers.Wav2Vec2FeatureExtractor()
    transformers.Wav2Vec2Processor(listener, tokenizer).save_pretrained(folder)
    torch.manual_seed(1)
    model = transformers.Wav2Vec2ForCTC(
        transformers.Wav2Vec2Config(
            vocab_size=len(vocabulary),
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            intermediate_size=8,
            conv_dim=(4,) * len(CONVOLUTIONS),
            conv_kernel=[width for width, _ in CONVOLUTIONS],
            conv_stride=[step for _, step in CONVOLUTIONS],
            num_conv_pos_embeddings=4,
            num_conv_pos_embedding_groups=2,
        )
    )
    torch.nn.init.zeros_(model.lm_head.weight)
    torch.nn.init.zeros_(model.lm_head.bias)
    model.save_pretrained(folder)
    return folder


def moments(seconds: float) -> int:
    """How many moments the model hears in so much sound."""
    count = int(seconds * RATE)
    for width, step in CONVOLUTIONS:
        count = (count - width) // step + 1
    return count


def times(text: str, start: float, end: float) -> list[tuple[str, float, float]]:
    """Each word of a segment, with the start and end that the alignment has to find."""
    moment = (end - start) / moments(end - start)
    found, at = [], 0
    for word in text.split(" "):
        found.append((word, start + at * moment, start + (at + len(word)) * moment))
        at += len(word) + 1
    return found


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
