"""Sort-of-CLEVR: questions about six shapes on a picture, half of them about how shapes lie to each other.

Source: drawn here from the description in Santoro et al. 2017, "A simple neural network module for relational
reasoning", section 4 and its appendix: 75 x 75 pixels, six squares or circles, one of each colour, anywhere without
overlap; 9,800 pictures to learn from and 200 to test, each with 10 relational and 10 non-relational questions. The last
200 of the 9,800 are kept for validation. Pictures are not those of the paper, nor are they published with it.
Where the description is silent: shapes are 11 pixels wide; distances are between centres; a shape is not counted as one
like itself; left and top are halves of the picture. Questions are words here, not binary codes.
Example: a picture, `what shape is furthest from the red one` (relational), `square`. Scored by the accuracy in percent,
separately for relational and non-relational questions.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.episodes import Episode, Picture, Split, Words
from models.metrics import Counts, accuracy, mean_error, mean_nats
from models.vocabulary import Vocabulary, vocabulary_of

SIZE = 75
RADIUS = 5
COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "orange": (255, 156, 0),
    "gray": (128, 128, 128),
    "yellow": (255, 255, 0),
}
BACKGROUND = 255
SHAPES = ("square", "circle")
QUESTIONS = 10
PICTURES = {Split.train: range(9_600), Split.valid: range(9_600, 9_800), Split.test: range(9_800, 10_000)}
SEED = 20_170_605
RELATIONAL = "relational"
NON_RELATIONAL = "non_relational"


class Scene(NamedTuple):
    """The shapes of a picture, one a colour."""

    centres: NDArray[np.int64]  # shapes 2: row, column
    circles: NDArray[np.bool_]  # shapes: else squares


class SortOfClevrTask:
    """Both halves of the questions, for one network."""

    def __init__(self, datasets: Path) -> None:
        self.groups = {"all": (RELATIONAL, NON_RELATIONAL)}

    def episodes(self, part: str, split: Split) -> list[Episode]:
        """Give the questions of a half; those about one picture share it, over both halves."""
        ask = relational if part == RELATIONAL else non_relational
        episodes = []
        for number in PICTURES[split]:
            scene, picture = drawn(number)
            random = np.random.default_rng((SEED, number, part == RELATIONAL))
            for kind, shape in zip(random.integers(3, size=QUESTIONS), random.integers(6, size=QUESTIONS), strict=True):
                question, answer = ask(scene, int(kind), int(shape))
                episodes.append(Episode(picture, question, (answer,)))
        return episodes

    def vocabulary(self, group: str) -> Vocabulary:
        """Give the words of the train questions; their answers are the candidates."""
        return vocabulary_of(episode for part in self.groups[group] for episode in self.episodes(part, Split.train))

    def figures(self, counts: Counts) -> dict[str, float]:
        """Give the accuracy in percent of each half."""
        return {part: accuracy({part: count}) for part, count in counts.items()}

    def cost(self, counts: Counts) -> float:
        """Give the mean error of both halves; the loss breaks ties."""
        return mean_error(counts) + mean_nats(counts) / 100


@cache
def drawn(number: int) -> tuple[Scene, Picture]:
    """Give a scene, always the same for the same number, and its picture."""
    random = np.random.default_rng((SEED, number))
    centres: list[NDArray[np.int64]] = []
    while len(centres) < len(COLOURS):
        centre = random.integers(RADIUS, SIZE - RADIUS, size=2)
        if all(np.abs(centre - other).max() > 2 * RADIUS for other in centres):
            centres.append(centre)
    scene = Scene(np.stack(centres), random.random(len(COLOURS)) < 0.5)
    return scene, draw(scene)


def draw(scene: Scene) -> Picture:
    """Draw a scene: rows columns colours."""
    picture = np.full((SIZE, SIZE, 3), BACKGROUND, np.uint8)
    near = np.arange(-RADIUS, RADIUS + 1)
    disc = near[:, None] ** 2 + near**2 <= RADIUS * (RADIUS + 1)
    for (row, column), circle, colour in zip(scene.centres, scene.circles, COLOURS.values(), strict=True):
        place = picture[row - RADIUS : row + RADIUS + 1, column - RADIUS : column + RADIUS + 1]
        place[disc if circle else np.ones_like(disc)] = colour
    return picture


def relational(scene: Scene, kind: int, shape: int) -> tuple[Words, str]:
    """Give a question about a shape among the others, and its answer; of equally far ones the first colour counts."""
    one = (list(COLOURS)[shape], "one")
    if kind == 2:
        alike = int((scene.circles == scene.circles[shape]).sum()) - 1
        return ("how", "many", "others", "have", "the", "shape", "of", "the", *one), str(alike)
    distances = ((scene.centres - scene.centres[shape]) ** 2).sum(-1).astype(float)
    distances[shape] = np.inf if kind == 0 else -np.inf
    other = distances.argmin() if kind == 0 else distances.argmax()
    relation = ("closest", "to") if kind == 0 else ("furthest", "from")
    return ("what", "shape", "is", *relation, "the", *one), SHAPES[int(scene.circles[other])]


def non_relational(scene: Scene, kind: int, shape: int) -> tuple[Words, str]:
    """Give a question about a shape alone, and its answer."""
    one = (list(COLOURS)[shape], "one")
    if kind == 0:
        return ("what", "shape", "is", "the", *one), SHAPES[int(scene.circles[shape])]
    place = "left" if kind == 1 else "top"
    there = scene.centres[shape, 1 if kind == 1 else 0] < SIZE / 2
    return ("is", "the", *one, "on", "the", place), "yes" if there else "no"
