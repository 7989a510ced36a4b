"""Plans: which steps answer a question, drawn from the relations of a lexicon and from made-up ones.

Knows nothing of how the question is put.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import NamedTuple

from models.episodes import Asked, Manner
from models.tasks.grammar import Degrees, Lexicon, Relation, Side
from models.tasks.inventions import Vocabulary

HOPS = (0.36, 0.35, 0.29)
VALUES = ("number", "text", "code", "year")
ORDERED = ("number", "year")
ONE_OR_TWO = (0.75, 0.25)
STOP_AT_VALUE = 0.97
FROM = {"number": 0.04, "year": 0.12, "code": 0.3, "text": 0.15}
"""How likely, beside 1 for things, values are what a question starts from."""
TO_VALUE = 0.6
GO_BACK = 0.25
"""How often a path that could go back along its last relation does so."""

STAY = 0.4
"""How often a path among things of one kind goes on among them."""


class Planned(NamedTuple):
    """A step: a relation asked from one of its sides, used in a manner."""

    relation: Relation
    number: int
    manner: Manner = Manner.READ

    @property
    def side(self) -> Side:
        """The side asked from."""
        return self.relation.sides[self.number]

    @property
    def back(self) -> Side:
        """The other side."""
        return self.relation.sides[1 - self.number]

    @property
    def turned(self) -> "Planned":
        """The relation asked from its other side."""
        return Planned(self.relation, 1 - self.number)


@dataclass(frozen=True, slots=True)
class Plan:
    """A question and the steps that answer it; `start` is the kind of entities that they start from.

    Where the text does not name a relation, nothing else may join the kinds that it is `between`; by belonging, nothing
    else to which things belong.
    """

    text: str
    start: str
    steps: tuple[Planned, ...]
    asked: Asked = Asked.ENTITIES
    between: tuple[str, str] | None = None
    by_belonging: bool = False

    @property
    def end(self) -> str:
        """The kind of entities that the steps lead to."""
        return kinds(self)[-1]


def kinds(plan: Plan) -> list[str]:
    """Give the kind of the entities before each step, and after the last."""
    found = [plan.start]
    for step in plan.steps:
        found.append(step.side.target if step.manner is Manner.READ else found[-1])
    return found


class Weighted:
    """Relations with the side they are asked from: rarely from a value, and values are asked for less than things."""

    def __init__(self, sides: Sequence[tuple[Relation, int]]) -> None:
        self._sides = sides
        self._cumulative = list(accumulate(self._weight(*pair) for pair in sides))

    @staticmethod
    def _weight(relation: Relation, number: int) -> float:
        side = relation.sides[number]
        return FROM.get(side.source, 1.0) * (TO_VALUE if side.target in VALUES else 1.0)

    def draw(self, random: Random) -> tuple[Relation, int]:
        """Draw one."""
        return self._sides[bisect(self._cumulative, random.random() * self._cumulative[-1])]


class Steps:
    """Draws relations that can follow one another, of the lexicon or made up."""

    def __init__(self, lexicon: Lexicon, vocabulary: Vocabulary, invented: float) -> None:
        self.lexicon = lexicon
        self.vocabulary = vocabulary
        self._invented = invented
        self._types = list(lexicon.types.values())
        self._sides = Weighted([pair for sides in lexicon.sides_from.values() for pair in sides])
        self._onward = {kind: Weighted(sides) for kind, sides in lexicon.sides_from.items()}
        self._alike = {
            kind: Weighted(own)
            for kind, sides in lexicon.sides_from.items()
            if (own := [(relation, number) for relation, number in sides if relation.sides[number].target == kind])
        }
        self._degrees = {id(side): _degrees(lexicon, side) for relation in lexicon.relations for side in relation.sides}
        self._ordered = {
            kind: [(relation, number) for relation, number in sides if relation.sides[number].target in ORDERED]
            for kind, sides in lexicon.sides_from.items()
        }

    def draw(self, source: str | None, random: Random) -> Planned:
        """Draw a relation that starts at a kind of entity, or anywhere."""
        known = self._onward.get(source) if source else self._sides
        if known and random.random() >= self._invented:
            return Planned(*known.draw(random))
        start = self.lexicon.types[source] if source else random.choice(self._types)
        end = random.choice(self._types)
        if random.random() < 0.6:
            return Planned(self.vocabulary.invent((start, end), random), 0)
        return Planned(self.vocabulary.invent((end, start), random), 1)

    def _next(self, step: Planned, random: Random) -> Planned:
        """Draw what may follow a step; among people, say, often another relation among people: a wife's son's boss."""
        kind = step.side.target
        alike = self._alike.get(kind) if kind == step.side.source else None
        return Planned(*alike.draw(random)) if alike and random.random() < STAY else self.draw(kind, random)

    def ordered(self, source: str, random: Random) -> Planned:
        """Draw a relation from a kind of entity to numbers or years; a made-up one where the lexicon has none."""
        known = self._ordered.get(source)
        if known and random.random() >= self._invented:
            return Planned(*random.choice(known))
        ends = (self.lexicon.types[source], self.lexicon.types[random.choice(ORDERED)])
        return Planned(self.vocabulary.invent(ends, random), 0)

    def path(self, random: Random, hops: Sequence[float] = HOPS, to_things: bool = False) -> list[Planned]:
        """Draw a path; each step but the last has noun phrases, and so has the last where it must lead `to_things`."""
        while True:
            wanted = random.choices(range(1, len(hops) + 1), hops)[0]
            path = [self.draw(None, random)]
            while len(path) < wanted:
                side = path[-1].side
                if not side.phrases or (side.target in VALUES and random.random() < STOP_AT_VALUE):
                    break
                onward = self._next(path[-1], random)
                if onward != path[-1].turned or random.random() < GO_BACK:
                    path.append(onward)
            if not to_things or (path[-1].side.phrases and path[-1].side.target not in VALUES):
                return path

    def kind(self, random: Random) -> str:
        """Draw a kind of things."""
        return random.choice([kind.name for kind in self._types if kind.name not in (*VALUES, "thing")])

    def degrees(self, side: Side) -> Degrees:
        """Give the adjectives that compare what a side leads to; none for a made-up relation."""
        return self._degrees.get(id(side), Degrees((), ()))


def _degrees(lexicon: Lexicon, side: Side) -> Degrees:
    """Find the adjectives for one of a side's nouns; those for any year where there are none."""
    for noun in side.nouns:
        for name, found in lexicon.degrees.items():
            if noun.one == name or noun.one.endswith(f" {name}"):
                return found
    return lexicon.degrees["year"] if side.target == "year" else Degrees((), ())
