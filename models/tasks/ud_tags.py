"""UD English EWT: web texts whose words have part-of-speech tags (UPOS, 17 of them).

Source: Universal Dependencies English Web Treebank, release 2.16 (Silveira et al. 2014); licence CC BY-SA 4.0.
12,544 train, 2,001 valid and 2,077 test sentences with 204,577, 25,147 and 25,094 words; multiword ranges and empty
nodes are no words.
Example: `5<TAB>American<TAB>American<TAB>ADJ<TAB>JJ...`. A word is a slot and has an answer of its own. A slot holds
the word in lower case; with `affixes` its shape, its first two and three letters and its last one to four as well, with
`pieces` its WordPieces, so that a word not seen in training is still known by its look. Scored by the percentage of
words with the right tag.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from models.episodes import Episode, Split, Words
from models.metrics import Counts, accuracy, mean_error, mean_nats
from models.pieces import pieces_of
from models.vocabulary import Vocabulary, vocabulary_of

FILES = {Split.train: "train", Split.valid: "dev", Split.test: "test"}
PREFIXES = (2, 3)
SUFFIXES = (1, 2, 3, 4)
_SHAPES = ((re.compile("[A-Z]+"), "X"), (re.compile("[a-z]+"), "x"), (re.compile("[0-9]+"), "d"))


class UdTagsTask:
    """The tag of each word of a sentence, for one network; tokens that train has less than `min_count` are unknown."""

    def __init__(self, datasets: Path, affixes: bool = True, pieces: bool = False, min_count: int = 2) -> None:
        self._folder = datasets / "ud-english-ewt"
        self._affixes = affixes
        self._pieces = pieces
        self._min_count = min_count
        self.groups = {"upos": ("upos",)}

    def episodes(self, part: str, split: Split) -> list[Episode]:
        """Give the sentences."""
        with gzip.open(self._folder / f"en_ewt-ud-{FILES[split]}.conllu.gz", "rt", encoding="utf-8") as file:
            return [
                Episode(tuple(self._slot(word) for word, _ in rows), (), tuple(tag for _, tag in rows))
                for rows in parse(file)
            ]

    def _slot(self, word: str) -> Words:
        return (*tokens_of(word, affixes=self._affixes), *(pieces_of(word) if self._pieces else ()))

    def vocabulary(self, group: str) -> Vocabulary:
        """Give the tokens that train has often enough; the tags are the candidates."""
        episodes = self.episodes(group, Split.train)
        tokens = Counter(token for episode in episodes for slot in episode.memory for token in cast(Words, slot))
        whole = vocabulary_of(episodes)
        return Vocabulary(whole.candidates, (token for token in whole.words if tokens[token] >= self._min_count))

    def figures(self, counts: Counts) -> dict[str, float]:
        """Give the accuracy in percent of words."""
        return {"accuracy": accuracy(counts)}

    def cost(self, counts: Counts) -> float:
        """Give the error; the loss breaks ties."""
        return mean_error(counts) + mean_nats(counts) / 100


def tokens_of(word: str, *, affixes: bool) -> Words:
    """Give the tokens of a word: itself in lower case, its shape (`Xx`, `d`), its beginnings and its ends."""
    lower = word.lower()
    if not affixes:
        return (lower,)
    shape = word
    for letters, sign in _SHAPES:
        shape = letters.sub(sign, shape)
    beginnings = (f"{lower[:length]}-" for length in PREFIXES if length < len(lower))
    ends = (f"-{lower[-length:]}" for length in SUFFIXES if length < len(lower))
    return (lower, f"shape {shape}", *beginnings, *ends)


def parse(lines: Iterator[str]) -> Iterator[list[tuple[str, str]]]:
    """Give the words of each sentence with their tags."""
    rows: list[tuple[str, str]] = []
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        if fields[0].isdigit():
            rows.append((fields[1], fields[3]))
        elif len(fields) == 1 and not fields[0] and rows:
            yield rows
            rows = []
    if rows:
        yield rows
