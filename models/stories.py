"""A network of the literature asked about a story: sentences and a question in, candidates and attention out.

What the network was not trained for is refused, never guessed: words that it has not seen, a memory without sentences,
one that is longer than its memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch

from models.checkpoints import name_of
from models.episodes import Episode
from models.errors import MemoryTooLong, SentenceEmpty, WordsUnknown
from models.packing import pack
from models.tasks.babi import words_of
from models.trained import Trained

DEFAULT_CHECKPOINT = Path(__file__).parent / "weights" / "stories.safetensors"


@dataclass(frozen=True, slots=True)
class Told:
    """What a network answers: its best candidates with their probabilities, and at each hop a share for each slot."""

    answers: tuple[tuple[str, float], ...]
    attention: tuple[tuple[float, ...], ...]  # hops slots


class StoryReader:
    """A trained network that reads sentences; immutable, so threads may share it."""

    def __init__(self, trained: Trained, name: str) -> None:
        self._trained = trained
        self.name = name
        self._known = {*trained.vocabulary.candidates, *trained.vocabulary.words}

    @classmethod
    def load(cls, checkpoint: Path = DEFAULT_CHECKPOINT) -> Self:
        """Open a checkpoint.

        Raises:
            CheckpointUnusable: it is missing or broken.
        """
        return cls(Trained.load(checkpoint), name_of(checkpoint))

    def read(self, sentences: Sequence[str], question: str, most: int = 5) -> Told:
        """Answer a question about sentences, the oldest first, by the `most` likely candidates.

        Raises:
            StoryUnreadable: the network was not trained for this.
        """
        slots, asked = [words_of(sentence) for sentence in sentences], words_of(question)
        self._check(slots, asked)
        packed = pack([Episode(tuple(slots), asked, ())], self._trained.vocabulary)
        with torch.inference_mode():
            answered = self._trained.network(packed.batch(np.zeros(1, np.int64)))
            chances, best = answered.scores[0].softmax(-1).topk(min(most, answered.scores.shape[-1]))
        candidates = [self._trained.vocabulary.candidates[number] for number in best.tolist()]
        attention = tuple(tuple(row) for row in answered.attention[0].tolist())
        return Told(tuple(zip(candidates, chances.tolist(), strict=True)), attention)

    def _check(self, slots: Sequence[Sequence[str]], asked: Sequence[str]) -> None:
        limit = self._trained.sizes.slots
        if len(slots) > limit:
            raise MemoryTooLong(len(slots), limit)
        for place, words in (*((f"memory.{at}", words) for at, words in enumerate(slots)), ("question", asked)):
            if not words:
                raise SentenceEmpty(place)
        unknown = [word for words in (*slots, asked) for word in words if word not in self._known]
        if unknown:
            raise WordsUnknown(list(dict.fromkeys(unknown)))
