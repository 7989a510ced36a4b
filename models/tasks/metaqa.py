"""MetaQA: questions of one to three hops over a knowledge base of movies.

Source: Zhang et al., "Variational Reasoning for Question Answering with Knowledge Graph" (AAAI 2018), CC BY 3.0.
Dev and test are the originals (9,992 / 14,872 / 14,274 and 9,947 / 14,872 / 14,274 questions for 1 / 2 / 3 hops); train
(92,454 / 118,980 / 114,196) was made again from the knowledge base and the templates seen in dev and test.
Example: `the films acted by [Sharon Tate] were released in which years<TAB>1967|1968`, type `actor_to_movie_to_year`.
Scored by whether the first answer is in the gold set (Hits@1). The gold path follows from the question's type.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np

from models.episodes import FORWARD, INVERSE, MENTION, LabelledKey, PathEpisode, path_episode, rejection
from models.memory import IntArray, TripleMemory
from models.movies import load_metaqa, load_triples
from models.profiles import profiles_of

MAX_HOPS = 3
RELATIONS = {
    "actor": "starred actors",
    "director": "directed by",
    "writer": "written by",
    "genre": "has genre",
    "language": "in language",
    "year": "release year",
    "tags": "has tags",
    "tag": "has tags",
    "imdbrating": "has imdb rating",
    "imdbvotes": "has imdb votes",
}
BUDGET = 100_000


@dataclass(frozen=True, slots=True)
class Question:
    """A line of a question file."""

    text: str  # with the placeholder
    topic: str
    answers: tuple[str, ...]
    path: tuple[LabelledKey, ...]


def load_questions(datasets: Path, split: str, hops: int) -> list[Question]:
    """Read the questions of `split` (train, dev, test)."""
    return [
        Question(line.before + MENTION + line.after, line.topic, line.answers, gold_path(line.kind))
        for line in load_metaqa(datasets, split, hops)
    ]


def gold_path(kind: str) -> tuple[LabelledKey, ...]:
    """Keys that a question type asks to read: `actor_to_movie_to_year` is starred actors inverse, release year."""
    names = kind.split("_to_")
    return tuple(
        LabelledKey(RELATIONS[right], FORWARD) if left == "movie" else LabelledKey(RELATIONS[left], INVERSE)
        for left, right in pairwise(names)
    )


class MetaQaTask:
    """Episodes of train questions, each hop with the keys really in reach; some with a wrong mention."""

    name = "metaqa"

    def __init__(self, datasets: Path, questions_per_hop: int, seed: int, wrong_mentions: float) -> None:
        self._memory = TripleMemory(load_triples(datasets))
        labels, profiles = self._memory.relation_labels, profiles_of(self._memory)
        self._keys = [
            LabelledKey(labels[key // 2], key % 2, profile, profiles[key ^ 1]) for key, profile in enumerate(profiles)
        ]
        self._wrong_mentions = wrong_mentions
        random = Random(seed)
        self._episodes: list[list[tuple[Question, PathEpisode]]] = []
        for hops in range(1, MAX_HOPS + 1):
            drawn = random.sample(load_questions(datasets, "train", hops), questions_per_hop)
            self._episodes.append([(question, self._gold(question)) for question in drawn])

    def episode(self, random: Random) -> PathEpisode:
        """Draw a question of one, two or three hops."""
        question, episode = random.choice(random.choice(self._episodes))
        if random.random() >= self._wrong_mentions:
            return episode
        return self._wrong(question, episode, random)

    def _wrong(self, question: Question, episode: PathEpisode, random: Random) -> PathEpisode:
        """Ask about an entity that lacks the first key, or take another word of the question for the mention."""
        entity = random.choice(self._memory.labels)
        reach = self._reach(self._memory.entities([entity]))
        if random.random() < 0.5 and episode.choices[0].gold not in reach:
            return rejection(question.text, reach)
        words = question.text.split()
        others = [at for at, word in enumerate(words) if word != MENTION]
        words[random.choice(others)] = "\0"
        text = " ".join(words).replace(MENTION, question.topic).replace("\0", MENTION)
        return rejection(text, reach)

    def _gold(self, question: Question) -> PathEpisode:
        topic = self._memory.entities([question.topic])
        entities, reaches = topic, [self._reach(topic)]
        numbers = {label: number for number, label in enumerate(self._memory.relation_labels)}
        path = [2 * numbers[key.label] + key.direction for key in question.path]
        for hop, number in enumerate(path):
            entities = self._memory.follow(entities, np.ones(len(entities), np.float32), number, BUDGET).entities
            if hop > 0:
                entities = entities[entities != topic[0]]
            reaches.append(self._reach(entities))
        return path_episode(question.text, [self._keys[number] for number in path], reaches)

    def _reach(self, entities: IntArray) -> Sequence[LabelledKey]:
        return [self._keys[key] for key in self._memory.keys_of(entities).tolist()]
