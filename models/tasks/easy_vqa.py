"""easy-VQA: questions about the one coloured shape of a picture of 64 x 64 pixels.

Source: Victor Zhou and Phillip Wang 2020 (package easy-vqa 1.0, github.com/vzhou842/easy-VQA); licence MIT.
4,000 train pictures with 38,575 questions, 1,000 test pictures with 9,673; there is no official validation, so every
tenth train picture (400 of them) is kept for it with its questions.
Example: `["what is the blue shape?", "rectangle", 0]`, the last being the number of the picture. 13 answers. Scored by
the accuracy in percent; giving each question its most frequent train answer, unseen, has 67.0 on test. With `turned`,
each train picture is shown in all eight ways of turning and mirroring it: none of the questions is about places.
"""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.episodes import Episode, Picture, Split
from models.metrics import Counts, accuracy, mean_error, mean_nats
from models.vocabulary import Vocabulary, vocabulary_of

VALID_EVERY = 10


class EasyVqaTask:
    """Questions about pictures, for one network."""

    def __init__(self, datasets: Path, *, turned: bool = False) -> None:
        self._folder = datasets / "easy-vqa"
        self._turned = turned
        self.groups = {"all": ("all",)}

    def episodes(self, part: str, split: Split) -> list[Episode]:
        """Give the questions; those about one picture share it."""
        folder = self._folder / ("test" if split is Split.test else "train")
        with np.load(folder / "images.npz") as arrays:
            pictures = list(arrays["images"])
        with gzip.open(folder / "questions.json.gz", "rt", encoding="utf-8") as file:
            rows = json.load(file)
        chosen = [row for row in rows if split is Split.test or (row[2] % VALID_EVERY == 0) == (split is Split.valid)]
        shown: list[Sequence[Picture]] = [pictures]
        if self._turned and split is Split.train:
            shown = list(zip(*map(all_ways, pictures), strict=True))
        return [
            Episode(ways[number], tuple(question.rstrip("?").split()), (answer,))
            for ways in shown
            for question, answer, number in chosen
        ]

    def vocabulary(self, group: str) -> Vocabulary:
        """Give the words of the train questions; their answers are the candidates."""
        return vocabulary_of(self.episodes(group, Split.train))

    def figures(self, counts: Counts) -> dict[str, float]:
        """Give the accuracy in percent."""
        return {"accuracy": accuracy(counts)}

    def cost(self, counts: Counts) -> float:
        """Give the error; the loss breaks ties."""
        return mean_error(counts) + mean_nats(counts) / 100


def all_ways(picture: Picture) -> list[Picture]:
    """A picture turned by each quarter, and its mirror image likewise."""
    return [
        np.ascontiguousarray(np.rot90(one, quarters)) for one in (picture, picture[:, ::-1]) for quarters in range(4)
    ]
