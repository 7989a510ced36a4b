"""Episodes to padded tensors, for the networks of the literature: the only padding there.

A split is packed once into integer arrays, every distinct text once; a batch is then a few look-ups. Knows episodes and
tokens, not what a network does with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.episodes import Episode, KeyValue, Windows, Words
from models.vocabulary import PAD, Vocabulary

ABSENT = -1
"""No answer, or no supporting fact, in this column."""

IntArray = NDArray[np.int64]


class Batch(NamedTuple):
    """Some episodes as tensors. Slots come oldest first, the filled ones before the others."""

    slots: Tensor  # batch slots tokens: words of a sentence, or of a key; PAD after them
    filled: Tensor  # batch slots, bool
    values: Tensor  # batch slots: the words that keys lead to; PAD where slots are no keys
    pictures: Tensor  # batch rows columns colours, 0 to 255; batch 0 where memory is text
    picture_of: Tensor  # batch: the same number for the same picture
    question: Tensor  # batch tokens
    answers: Tensor  # batch answers: candidates, UNSEEN for what is none, ABSENT after them
    supporting: Tensor  # batch passes: slots, ABSENT where there is none

    def to(self, device: torch.device) -> "Batch":
        """Give the batch on a device; itself, if it is there."""
        return Batch(*(tensor.to(device) for tensor in self))


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a network's tables must be; a checkpoint keeps it."""

    words: int  # PAD and UNKNOWN among them
    candidates: int
    slots: int  # most slots of an episode
    tokens: int  # most words of a text
    picture: tuple[int, ...] = ()  # rows columns colours


class Ragged:
    """Rows of different lengths, one after the other; rows may overlap."""

    def __init__(self, flat: IntArray, starts: IntArray, lengths: IntArray) -> None:
        self.flat = flat
        self.starts = starts
        self.lengths = lengths

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> "Ragged":
        """Join rows."""
        lengths = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        flat = np.fromiter((number for row in rows for number in row), np.int64, int(lengths.sum()))
        return cls(flat, np.concatenate(([0], lengths.cumsum()[:-1])).astype(np.int64), lengths)

    @classmethod
    def of_array(cls, rows: IntArray) -> "Ragged":
        """Join the rows of an array."""
        count, width = rows.shape
        return cls(rows.ravel(), np.arange(count, dtype=np.int64) * width, np.full(count, width, np.int64))

    def padded(self, rows: IntArray, fill: int) -> IntArray:
        """Give rows of this one as the rows of an array as wide as the longest."""
        columns = np.arange(self.lengths[rows].max(initial=0))
        places = self.starts[rows][..., None] + columns
        there = columns < self.lengths[rows][..., None]
        return np.where(there, self.flat.take(places, mode="clip"), fill) if self.flat.size else there.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Packed:
    """The episodes of a split as arrays; `texts` holds each distinct text once, an empty one first."""

    texts: Ragged
    slots: Ragged  # numbers of texts
    questions: IntArray  # numbers of texts
    answers: Ragged
    supporting: Ragged
    values: IntArray | None = None  # beside `slots.flat`
    pictures: NDArray[np.uint8] | None = None
    picture_of: IntArray | None = None

    def __len__(self) -> int:
        return len(self.questions)

    def batch(self, rows: IntArray) -> Batch:
        """Give the batch of some episodes, by number."""
        numbers = self.slots.padded(rows, 0)
        filled = np.arange(numbers.shape[1]) < self.slots.lengths[rows][:, None]
        if self.values is None:
            values = np.full_like(numbers, PAD)
        else:
            values = Ragged(self.values, self.slots.starts, self.slots.lengths).padded(rows, PAD)
        if self.pictures is None or self.picture_of is None:
            pictures, picture_of = np.zeros((len(rows), 0), np.uint8), np.zeros(len(rows), np.int64)
        else:
            picture_of = self.picture_of[rows]
            pictures = self.pictures[picture_of]
        question = self.texts.padded(self.questions[rows], PAD)
        arrays = (self.texts.padded(numbers, PAD), filled, values, pictures, picture_of, question)
        golds = (self.answers.padded(rows, ABSENT), self.supporting.padded(rows, ABSENT))
        return Batch(*(torch.from_numpy(array) for array in (*arrays, *golds)))


def pack(episodes: Sequence[Episode], vocabulary: Vocabulary, max_slots: int | None = None) -> Packed:
    """Pack episodes, of each memory the last `max_slots`; a supporting fact that is cut off is no longer one."""
    if isinstance(episodes, Windows):
        return _pack_windows(episodes, vocabulary, max_slots)
    numbers: dict[Words, int] = {(): 0}
    slots, values, supporting = [], [], []
    for episode in episodes:
        memory = episode.memory if isinstance(episode.memory, tuple) else ()
        cut = max(0, len(memory) - max_slots) if max_slots is not None else 0
        texts = [slot.key if isinstance(slot, KeyValue) else slot for slot in memory[cut:]]
        slots.append([numbers.setdefault(text, len(numbers)) for text in texts])
        values += [vocabulary.id_of(slot.value) if isinstance(slot, KeyValue) else PAD for slot in memory[cut:]]
        supporting.append([fact - cut for fact in episode.supporting if fact >= cut])
    questions = [numbers.setdefault(episode.question, len(numbers)) for episode in episodes]
    answers = [
        [vocabulary.candidate_of(label) if label else ABSENT for label in episode.answers] for episode in episodes
    ]
    pictures, picture_of = _pack_pictures(episodes)
    return Packed(
        Ragged.of([[vocabulary.id_of(word) for word in text] for text in numbers]),
        Ragged.of(slots),
        np.array(questions, np.int64),
        Ragged.of(answers),
        Ragged.of(supporting),
        np.array(values, np.int64) if any(values) else None,
        pictures,
        picture_of,
    )


def _pack_pictures(episodes: Sequence[Episode]) -> tuple[NDArray[np.uint8] | None, IntArray | None]:
    """Stack the pictures, one that several episodes share once."""
    drawn = [episode.memory for episode in episodes if not isinstance(episode.memory, tuple)]
    if not drawn:
        return None, None
    numbers: dict[int, int] = {}
    picture_of = [numbers.setdefault(id(picture), len(numbers)) for picture in drawn]
    distinct = {id(picture): picture for picture in drawn}
    return np.stack([distinct[identity] for identity in numbers]), np.array(picture_of, np.int64)


def _pack_windows(windows: Windows, vocabulary: Vocabulary, max_slots: int | None) -> Packed:
    """Pack windows without making an episode of each word; a text is then one word."""
    width = windows.width if max_slots is None else min(windows.width, max_slots - windows.run + 1)
    words = dict.fromkeys(windows.text)
    number_of = {word: at for at, word in enumerate(words, 1)}
    numbers = np.fromiter((number_of[word] for word in windows.text), np.int64, len(windows.text))
    ids = np.array([PAD, *(vocabulary.id_of(word) for word in words)], np.int64)
    candidates = np.array([ABSENT, *(vocabulary.candidate_of(word) for word in words)], np.int64)
    firsts = 1 + np.arange(len(windows), dtype=np.int64) * windows.run
    starts = np.maximum(1, np.minimum(firsts, len(windows.text) - windows.run))
    ends = np.minimum(starts + windows.run, len(windows.text))
    answers = Ragged(candidates[numbers], starts, ends - starts).padded(np.arange(len(windows)), ABSENT)
    answers[np.arange(answers.shape[1]) < (firsts - starts)[:, None]] = ABSENT
    memories = np.maximum(0, starts - width)
    none = np.zeros(len(windows), np.int64)
    return Packed(
        Ragged(ids, np.arange(len(ids)), np.concatenate(([0], np.ones(len(words), np.int64)))),
        Ragged(numbers, memories, ends - 1 - memories),
        none,
        Ragged.of_array(answers),
        Ragged(np.zeros(0, np.int64), none, none),
    )


def sizes_of(packed: Packed, vocabulary: Vocabulary, max_slots: int | None = None) -> Sizes:
    """Measure what a network must hold; slots as many as train has, if no limit is given."""
    slots = int(packed.slots.lengths.max(initial=0)) if max_slots is None else max_slots
    picture = () if packed.pictures is None else packed.pictures.shape[1:]
    tokens = int(packed.texts.lengths.max(initial=0))
    return Sizes(len(vocabulary), len(vocabulary.candidates), slots, tokens, picture)
