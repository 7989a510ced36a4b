"""Stanford Sentiment Treebank: sentences of film reviews with a sentiment, and every phrase of them with its own.

Source: Socher et al. 2013, "Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank"
(nlp.stanford.edu/sentiment); no licence stated, for research.
8,544 train, 1,101 valid and 2,210 test sentences in five classes (`fine`); 6,920, 872 and 1,821 in two (`binary`:
neutral ones left out). Train has 318,582 labelled phrases, in lower case 157,401 distinct ones; with `phrases` each of
them is an episode.
Example: `(3 (3 (3 Effective) (2 but)) (1 (1 too-tepid) (2 biopic)))`, 0 very negative to 4 very positive. The words are
the slots; with `pieces` a slot holds the word's pieces as well. Scored by the accuracy on whole sentences in percent.
"""

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from models.episodes import Episode, Split, Words
from models.metrics import Counts, accuracy, mean_error, mean_nats
from models.pieces import pieces_of
from models.vocabulary import Vocabulary, vocabulary_of

FILES = {Split.train: "train", Split.valid: "dev", Split.test: "test"}
CLASSES = {
    "fine": {"0": "very negative", "1": "negative", "2": "neutral", "3": "positive", "4": "very positive"},
    "binary": {"0": "negative", "1": "negative", "3": "positive", "4": "positive"},
}
QUESTION = ("what", "is", "the", "sentiment")
ESCAPES = {"-lrb-": "(", "-rrb-": ")"}


class SstTask:
    """The sentiment of a sentence, for one network; words in fewer than `min_count` train sentences are unknown."""

    def __init__(
        self, datasets: Path, classes: str = "fine", phrases: bool = True, pieces: bool = False, min_count: int = 2
    ) -> None:
        self._folder = datasets / "sst" / "trees"
        self._labels = CLASSES[classes]
        self._phrases = phrases
        self._pieces = pieces
        self._min_count = min_count
        self.groups = {classes: (classes,)}

    def episodes(self, part: str, split: Split) -> list[Episode]:
        """Give whole sentences; of train, where so asked, each distinct phrase with each of its labels once."""
        whole = split is not Split.train or not self._phrases
        found = [labelled for tree in self._trees(split) for labelled in (tree[-1:] if whole else tree)]
        if not whole:
            found = list(dict.fromkeys(found))
        return [
            Episode(
                tuple((word, *(pieces_of(word) if self._pieces else ())) for word in words),
                QUESTION,
                (self._labels[label],),
            )
            for label, words in found
            if label in self._labels
        ]

    def vocabulary(self, group: str) -> Vocabulary:
        """Give the words that enough train sentences have; the classes are the candidates."""
        sentences = Counter(word for tree in self._trees(Split.train) for word in set(tree[-1][1]))
        whole = vocabulary_of(self.episodes(group, Split.train))
        known = (word for word in whole.words if word not in sentences or sentences[word] >= self._min_count)
        return Vocabulary(whole.candidates, known)

    def figures(self, counts: Counts) -> dict[str, float]:
        """Give the accuracy in percent."""
        return {"accuracy": accuracy(counts)}

    def cost(self, counts: Counts) -> float:
        """Give the error; the loss breaks ties."""
        return mean_error(counts) + mean_nats(counts) / 100

    def _trees(self, split: Split) -> Iterator[list[tuple[str, Words]]]:
        with gzip.open(self._folder / f"{FILES[split]}.txt.gz", "rt", encoding="utf-8") as file:
            for line in file:
                yield parse(line)


def parse(tree: str) -> list[tuple[str, Words]]:
    """Give every phrase of a tree with its label, a phrase after its parts: the whole sentence last."""
    phrases: list[tuple[str, Words]] = []
    opened: list[tuple[str, int]] = []  # label, number of the first word
    words: list[str] = []
    for piece in tree.replace("(", " ( ").replace(")", " ) ").split():
        if piece == "(":
            opened.append(("", len(words)))
        elif piece == ")":
            label, start = opened.pop()
            phrases.append((label, tuple(words[start:])))
        elif not opened[-1][0]:
            opened[-1] = (piece, len(words))
        else:
            word = piece.lower().replace("\\/", "/").replace("\\*", "*")
            words.append(ESCAPES.get(word, word))
    return phrases
