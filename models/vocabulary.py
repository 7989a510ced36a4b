"""Tokens and their numbers.

The candidates, the answers that a network ranks, come first, so that the number of a candidate and that of the same
word differ by a constant and an embedding of words is one of candidates as well.
"""

from collections import Counter
from collections.abc import Iterable

from models.episodes import Episode, KeyValue

PAD = 0
"""Number of no token."""
UNKNOWN = 1
"""Number of every token that training did not show."""
FIRST = 2
"""Number of the first candidate among the tokens: the token of candidate n is FIRST + n."""
UNSEEN = -2
"""Number of an answer that is no candidate: never right."""


class Vocabulary:
    """A numbering of candidates and words."""

    def __init__(self, candidates: Iterable[str], words: Iterable[str]) -> None:
        self.candidates = tuple(dict.fromkeys(candidates))
        known = dict.fromkeys(self.candidates)
        self.words = tuple(word for word in dict.fromkeys(words) if word not in known)
        self._ids = {token: FIRST + at for at, token in enumerate((*self.candidates, *self.words))}

    def __len__(self) -> int:
        """Count the tokens, PAD and UNKNOWN among them."""
        return FIRST + len(self._ids)

    def id_of(self, token: str) -> int:
        """Give the number of a token, UNKNOWN of a strange one."""
        return self._ids.get(token, UNKNOWN)

    def candidate_of(self, label: str) -> int:
        """Give the number of a candidate, UNSEEN of what is none."""
        number = self._ids.get(label, UNKNOWN) - FIRST
        return number if 0 <= number < len(self.candidates) else UNSEEN


def vocabulary_of(episodes: Iterable[Episode]) -> Vocabulary:
    """Number what some episodes say, most frequent first; their answers are the candidates."""
    answers: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for episode in episodes:
        answers.update(label for label in episode.answers if label)
        words.update(episode.question)
        for slot in episode.memory if isinstance(episode.memory, tuple) else ():
            if isinstance(slot, KeyValue):
                words.update((*slot.key, slot.value))
            else:
                words.update(slot)
    return Vocabulary(_ordered(answers), _ordered(words))


def _ordered(counted: Counter[str]) -> list[str]:
    return sorted(counted, key=lambda token: (-counted[token], token))
