"""The vectors of many labels, made by tasks: each process that does any loads the encoder once."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from kb.encoding import ENCODER_NAMES, Encoder, load_encoder
from kb.index import LabelVectors
from kb.shards.tasks import Tasks, scattered

MANY_LABELS = 20_000
"""Fewer than these are encoded here: in 0.2 s by the static encoder, in 20 s by the sentence encoder."""

Labels = Sequence[str]


class EncoderDiffers(Exception):
    """The encoder of another machine is not the one that was asked for."""


class EncoderKey(NamedTuple):
    """Which encoder: the setting that any process loads it by, and the id that it must have then."""

    setting: str
    id: str

    @classmethod
    def of(cls, setting: str, encoder: Encoder) -> "EncoderKey":
        """The key of an encoder; a folder is named so that it is found from any working folder."""
        return cls(setting if setting in ENCODER_NAMES else str(Path(setting).absolute()), encoder.id)


@cache
def _loaded(setting: str) -> Encoder:
    return load_encoder(setting)


def encoded(of: EncoderKey, labels: Labels) -> LabelVectors:
    """The vectors of some labels, by the encoder of this process.

    Raises:
        EncoderDiffers: it is another one here.
    """
    encoder = _loaded(of.setting)
    if encoder.id != of.id:
        raise EncoderDiffers(f"The encoder {of.setting} is {encoder.id} here, not {of.id}.")
    return LabelVectors.of(encoder.encode(labels))


class ScatteredLabels:
    """Encodes blocks of labels by tasks, where there are many labels."""

    def __init__(self, encoder: Encoder, setting: str, tasks: Tasks) -> None:
        """Encode few labels, and those that no task does, by `encoder`, which `setting` names."""
        self._encoder = encoder
        self._key = EncoderKey.of(setting, encoder)
        self._tasks = tasks

    def __call__(self, blocks: Iterable[Labels]) -> Iterator[LabelVectors]:
        """The vectors of each block, bit for bit those that `encoder` gives for this block."""
        rest, first, count = iter(blocks), list[Labels](), 0
        while count < MANY_LABELS and (block := next(rest, None)) is not None:
            first.append(block)
            count += len(block)
        if count < MANY_LABELS:
            return map(self._here, first)
        return scattered(self._tasks, partial(encoded, self._key), self._here, chain(first, rest))

    def _here(self, labels: Labels) -> LabelVectors:
        return LabelVectors.of(self._encoder.encode(labels))
