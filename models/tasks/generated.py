"""Questions made by a grammar over relations of our own: the breadth that no data set has.

Source: lexicon.toml beside this file (Apache-2.0, written for this project): relations with the types they join, and
the nouns, verbs and phrases that people ask them by. Every draw makes a small schema, labels its relations in one of
many ways, and asks along a path of one to three of them:
`what is the currency of the country whose capital is <mention>`: capital of, inverse; then currency, forward.
No official scorer: it is a source of training questions only.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Self

from kb.encoding import StaticEncoder
from models.episodes import (
    FORWARD,
    INVERSE,
    MENTION,
    Choice,
    End,
    LabelledKey,
    PathEpisode,
    path_episode,
    rejection,
)
from models.kinds import Kind
from models.tasks.grammar import SLOT, Lexicon, Relation, noisy, wrap
from models.tasks.inventions import Vocabulary

MAX_HOPS = 3
HOPS = (0.42, 0.35, 0.23)
KINDS = {"number": Kind.NUMBER, "year": Kind.DATE}
VALUES = ("number", "text", "code", "year")
STOP_AT_VALUE = 0.8
MOST_OTHERS = 24
STRANGERS = 4
LEXICON = Path(__file__).with_name("lexicon.toml")


@dataclass(frozen=True, slots=True)
class Placed:
    """A relation as a schema holds it: under one label, stored in one orientation."""

    relation: Relation
    orientation: int
    label: str

    def key(self, side: int) -> LabelledKey:
        """Give the key that reads the relation from one of its sides."""
        kind = KINDS.get(self.relation.sides[side].target, Kind.NAME)
        return LabelledKey(self.label, FORWARD if side == self.orientation else INVERSE, kind)


class _Weighted:
    """Relations with the side they are asked from; values (numbers, names, dates) are asked about less than things."""

    def __init__(self, sides: Sequence[tuple[Relation, int]]) -> None:
        self._sides = sides
        self._cumulative = list(accumulate(self._weight(*pair) for pair in sides))

    @staticmethod
    def _weight(relation: Relation, number: int) -> float:
        side = relation.sides[number]
        return 0.3 if side.source in VALUES else 0.4 if side.target in VALUES else 1.0

    def draw(self, random: Random) -> tuple[Relation, int]:
        """Draw one."""
        return self._sides[bisect(self._cumulative, random.random() * self._cumulative[-1])]


class GeneratedTask:
    """Episodes over a schema made anew for each one."""

    name = "generated"

    def __init__(self, vocabulary: Vocabulary, wrong_mentions: float, missing: float, invented: float) -> None:
        self._vocabulary = vocabulary
        self._invented = invented
        self._lexicon = Lexicon.read(LEXICON)
        self._types = list(self._lexicon.types.values())
        self._sides = _Weighted([pair for sides in self._lexicon.sides_from.values() for pair in sides])
        self._onward = {kind: _Weighted(sides) for kind, sides in self._lexicon.sides_from.items()}
        self._wrong_mentions = wrong_mentions
        self._missing = missing

    @classmethod
    def of_datasets(cls, datasets: Path, wrong_mentions: float, missing: float, invented: float) -> Self:
        """Build the task with a vocabulary taken from data sets."""
        return cls(Vocabulary.of_datasets(datasets, StaticEncoder()), wrong_mentions, missing, invented)

    def episode(self, random: Random) -> PathEpisode:
        """Draw a path, a schema around it, and a question."""
        path = self._path(random)
        schema = self._schema([relation for relation, _ in path], random)
        question = self._question(path, random)
        golds = [placed.key(side) for placed, (_, side) in zip(schema, path, strict=False)]
        kinds = [relation.sides[side].source for relation, side in path]
        kinds.append(path[-1][0].sides[path[-1][1]].target)
        strangers = random.random() ** 3
        reaches = [_reach(schema, kind, strangers, random) for kind in kinds]
        if random.random() < self._wrong_mentions:
            return self._wrong(question, random)
        episode = path_episode(question, golds, reaches)
        return _without_key(episode, random) if random.random() < self._missing else episode

    def _path(self, random: Random) -> list[tuple[Relation, int]]:
        """Draw relations that can follow one another, each with the side it is asked from."""
        hops = random.choices((1, 2, 3), HOPS)[0]
        path = [self._draw(None, random)]
        while len(path) < hops:
            relation, number = path[-1]
            side = relation.sides[number]
            if not side.phrases or (side.target in VALUES and random.random() < STOP_AT_VALUE):
                break
            path.append(self._draw(side.target, random))
        return path

    def _draw(self, source: str | None, random: Random) -> tuple[Relation, int]:
        """Draw a relation that starts at a kind of entity, of the lexicon or made up."""
        if random.random() >= self._invented:
            return (self._onward[source] if source else self._sides).draw(random)
        start = self._lexicon.types[source] if source else random.choice(self._types)
        end = random.choice(self._types)
        if random.random() < 0.6:
            return self._vocabulary.invent((start, end), random), 0
        return self._vocabulary.invent((end, start), random), 1

    def _schema(self, wanted: Sequence[Relation], random: Random) -> list[Placed]:
        """Label the wanted relations and some others, no label and no group twice; the wanted ones come first."""
        schema: list[Placed] = []
        done: dict[int, Placed] = {}
        for relation in wanted:
            if id(relation) not in done:
                done[id(relation)] = _place(relation, self._lexicon, random)
            schema.append(done[id(relation)])
        labels = {placed.label for placed in schema}
        groups = {relation.group for relation in wanted}
        for relation in self._others(wanted, random):
            if id(relation) in done or (relation.group and relation.group in groups):
                continue
            placed = done[id(relation)] = _place(relation, self._lexicon, random)
            if placed.label not in labels:
                labels.add(placed.label)
                groups.add(relation.group)
                schema.append(placed)
        return schema

    def _others(self, wanted: Sequence[Relation], random: Random) -> list[Relation]:
        """Draw relations of the same kinds of entities, a few of any, and a few made up."""
        kinds = {side.source for relation in wanted for side in relation.sides}
        alike = [relation for relation in self._lexicon.relations if {side.source for side in relation.sides} & kinds]
        others = random.sample(alike, min(len(alike), int(random.random() ** 2 * MOST_OTHERS)))
        others += random.choices(self._lexicon.relations, k=random.randrange(STRANGERS))
        for _ in range(random.randrange(STRANGERS)):
            start, end = self._lexicon.types[random.choice(sorted(kinds))], random.choice(self._types)
            others.append(self._vocabulary.invent((start, end) if random.random() < 0.6 else (end, start), random))
        return others

    def _question(self, path: Sequence[tuple[Relation, int]], random: Random) -> str:
        """Nest noun phrases from the mention outwards, the last one as a question."""
        source = self._lexicon.types[path[0][0].sides[path[0][1]].source]
        text = MENTION
        if random.random() < 0.12:
            text = f"{random.choice(('', 'the '))}{random.choice(source.singular)} {MENTION}"
        for at, (relation, number) in enumerate(path):
            side = relation.sides[number]
            last = at == len(path) - 1
            if last and side.questions and (not side.phrases or random.random() < 0.5):
                text = random.choice(side.questions).replace(SLOT, text)
            else:
                text = random.choice(side.phrases).replace(SLOT, text)
                text = wrap(text, self._lexicon.types[side.target], random) if last else text
        return noisy(text, MENTION, random)

    def _wrong(self, question: str, random: Random) -> PathEpisode:
        """Ask what nothing in reach answers, or take another word of the question for the mention."""
        kind = random.choice(list(self._lexicon.types))
        schema = self._schema([self._onward.get(kind, self._sides).draw(random)[0]], random)
        reach = _reach(schema, kind, 0.1, random) or [schema[0].key(0)]
        words = question.split()
        others = [at for at, word in enumerate(words) if MENTION not in word and len(word) > 2]
        if others:
            words[random.choice(others)] = "\0"
        name = " ".join(random.choices(self._vocabulary.words, k=random.randint(1, 3)))
        return rejection(" ".join(words).replace(MENTION, name).replace("\0", MENTION), reach)


def _place(relation: Relation, lexicon: Lexicon, random: Random) -> Placed:
    """Give a relation one of its labels, sometimes with the kinds it joins before it or as names in code have it."""
    sides = [number for number in (0, 1) if relation.sides[number].labels]
    orientation = random.choice(sides)
    label = random.choice(relation.sides[orientation].labels)
    chance = random.random()
    if chance < 0.12:
        label = f"{random.choice(lexicon.types[relation.sides[orientation].source].singular)} {label}"
    elif chance < 0.16:
        label = f"{label} {random.choice(lexicon.types[relation.sides[orientation].target].singular)}"
    return Placed(relation, orientation, label)


def _reach(schema: Sequence[Placed], kind: str, strangers: float, random: Random) -> list[LabelledKey]:
    """Give the keys of a schema that start at a kind of entity, and a share of the others."""
    keys = [
        placed.key(side)
        for placed in schema
        for side in (0, 1)
        if placed.relation.sides[side].source == kind or random.random() < strangers * 0.3
    ]
    random.shuffle(keys)
    return keys


def _without_key(episode: PathEpisode, random: Random) -> PathEpisode:
    """Take the gold key of one hop away: nothing in reach fits there."""
    at = random.randrange(sum(isinstance(choice.gold, LabelledKey) for choice in episode.choices))
    choice = episode.choices[at]
    left = tuple(key for key in choice.reach if key != choice.gold)
    choices = (*episode.choices[:at], Choice(left, End.REJECT))
    return PathEpisode(episode.question, choices)
