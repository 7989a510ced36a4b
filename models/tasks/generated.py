"""Questions made by a grammar over relations of our own: the breadth that no data set has.

Source: lexicon.toml beside this file (Apache-2.0, written for this project): relations with the types they join, and
the nouns, verbs and phrases that people ask them by. Every draw makes a small schema, labels its relations in one of
many ways, and asks along a path of one to three of them:
`what is the currency of the country whose capital is <mention>`: capital of, inverse; then currency, forward.
No official scorer: it is a source of training questions only.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Self

from kb.encoding import StaticEncoder
from models.episodes import (
    FORWARD,
    INVERSE,
    MAX_STEPS,
    MENTION,
    OTHER,
    VALUE,
    Choice,
    End,
    LabelledKey,
    Manner,
    PathEpisode,
    rejection,
    without_key,
)
from models.kinds import Kind
from models.profiles import Profile
from models.tasks.grammar import Lexicon, Relation, Type, noisy, relation_of
from models.tasks.inventions import Vocabulary
from models.tasks.plans import VALUES, Plan, Steps, kinds
from models.tasks.questions import question
from models.tasks.unsaid import blurs

KINDS = {"number": Kind.NUMBER, "year": Kind.DATE}
COMPARING = (Manner.KEEP, Manner.ABOVE, Manner.BELOW)
PLACEHOLDERS = frozenset((MENTION, OTHER, VALUE))
UNKNOWN_NAMES = 0.06
CHAT = 0.2
WRONG_ROLES = 0.2
MOST_TRAPS = 2
INVERTED = 0.7
"""How often a relation between things may be stored the other way round; values are never subjects."""
PREFIXED, SUFFIXED, QUALIFIED = 0.07, 0.02, 0.15
TYPED = 0.4
"""How often the things of a schema are said to be something."""
MOST_RIVALS = 3
LONG_WORD = 4
MOST_SHARING = 15
"""A word that more relations of a kind share, such as *which*, makes no rivals."""
MOST_OTHERS = 24
STRANGERS = 4
LEXICON = Path(__file__).with_name("lexicon.toml")
SMALL_TALK = Path(__file__).with_name("small_talk.txt")


@dataclass(frozen=True, slots=True)
class Placed:
    """A relation as a schema holds it: under one label, stored in one orientation; what each of its sides leads to."""

    relation: Relation
    orientation: int
    label: str
    profiles: tuple[Profile, Profile]

    def key(self, side: int) -> LabelledKey:
        """Give the key that reads the relation from one of its sides."""
        return LabelledKey(
            self.label, FORWARD if side == self.orientation else INVERSE, self.profiles[side], self.profiles[1 - side]
        )


class GeneratedTask:
    """Episodes over a schema made anew for each one."""

    name = "generated"

    def __init__(
        self, lexicon: Lexicon, vocabulary: Vocabulary, wrong_mentions: float, missing: float, invented: float
    ) -> None:
        self._vocabulary = vocabulary
        self._lexicon = lexicon
        self._types = list(self._lexicon.types.values())
        self._rivals = (
            _rivals(self._lexicon, _label_words),
            _rivals(self._lexicon, _asking_words, MOST_SHARING),
        )
        self._steps = Steps(self._lexicon, vocabulary, invented)
        self._small_talk = SMALL_TALK.read_text(encoding="utf-8").splitlines()
        self._wrong_mentions = wrong_mentions
        self._missing = missing

    @classmethod
    def of_datasets(cls, datasets: Path, wrong_mentions: float, missing: float, invented: float) -> Self:
        """Build the task with a vocabulary taken from data sets."""
        vocabulary = Vocabulary.of_datasets(datasets, StaticEncoder())
        return cls(Lexicon.read(LEXICON), vocabulary, wrong_mentions, missing, invented)

    def episode(self, random: Random) -> PathEpisode:
        """Draw a question, a schema around its steps, and the choices that answer it."""
        plan = self._question(random)
        text = noisy(plan.text, PLACEHOLDERS, random)
        if random.random() < self._wrong_mentions:
            return self._wrong(text, random)
        schema = self._schema([step.relation for step in plan.steps], random, plan)
        golds = [placed.key(step.number) for placed, step in zip(schema, plan.steps, strict=False)]
        strangers = random.random() ** 3
        reaches = [_reach(schema, kind, strangers, random) for kind in kinds(plan)]
        if MENTION not in text:
            reaches[0] = _everything(schema, random)
        furthers = [_further(schema, reach) for reach in reaches]
        choices = [
            Choice(tuple(dict.fromkeys(reach)), gold, step.manner, further)
            for reach, further, gold, step in zip(reaches, furthers, golds, plan.steps, strict=False)
        ]
        choices.append(Choice(tuple(dict.fromkeys(reaches[-1])), End.STOP, further=furthers[-1]))
        episode = PathEpisode(text, tuple(choices[:MAX_STEPS]), plan.asked)
        if random.random() < WRONG_ROLES and (wrong := _in_wrong_role(text, plan)):
            kind = plan.steps[-1].side.target if VALUE in text else plan.start
            return rejection(wrong, _reach(schema, kind, strangers, random) or reaches[0])
        if OTHER in text and random.random() < UNKNOWN_NAMES:
            return self._with_unknown_name(episode, random)
        return without_key(episode, random) if random.random() < self._missing else episode

    def _question(self, random: Random) -> Plan:
        return question(self._steps, random)

    def _schema(self, wanted: Sequence[Relation], random: Random, plan: Plan | None = None) -> list[Placed]:
        """Label the wanted relations and some others, no label and no group twice; the wanted ones come first.

        Some of the others have a word of the question in their label: it is not words that must be alike.
        """
        schema: list[Placed] = []
        done: dict[int, Placed] = {}
        typed = random.random() < TYPED
        for relation in wanted:
            if id(relation) not in done:
                done[id(relation)] = _place(relation, self._lexicon, random, typed=typed)
            schema.append(done[id(relation)])
        labels = {placed.label for placed in schema}
        groups = {relation.group for relation in wanted}
        for relation in [*self._others(wanted, random), *self._traps(wanted, plan.text if plan else "", random)]:
            if (
                id(relation) in done
                or (plan is not None and blurs(relation, plan, self._lexicon))
                or (relation.group and relation.group in groups)
                or any(_labels(relation) & _labels(other) for other in wanted)
            ):
                continue
            placed = done[id(relation)] = _place(relation, self._lexicon, random, typed=typed)
            if placed.label not in labels:
                labels.add(placed.label)
                groups.add(relation.group)
                schema.append(placed)
        return schema

    def _traps(self, wanted: Sequence[Relation], text: str, random: Random) -> Iterator[Relation]:
        """Make up relations of the wanted ones' kinds that are called by a word of the question."""
        own = {
            word for relation in wanted for side in relation.sides for label in side.labels for word in label.split()
        }
        words = [word for word in text.split() if word.isalpha() and len(word) > 3 and word not in own]
        for _ in range(random.randrange(MOST_TRAPS + 1) if words else 0):
            ends = [
                self._lexicon.types[random.choice(wanted).sides[random.randrange(2)].source],
                random.choice(self._types),
            ]
            label = [random.choice(words), random.choice(self._vocabulary.words)]
            random.shuffle(label)
            random.shuffle(ends)
            yield relation_of(
                {"types": f"{ends[0].name} > {ends[1].name}", "labels": " ".join(label)},
                {end.name: end for end in ends},
            )

    def _others(self, wanted: Sequence[Relation], random: Random) -> list[Relation]:
        """Draw relations of the same kinds of entities, a few of any, and a few made up."""
        kinds = {side.source for relation in wanted for side in relation.sides}
        alike = [relation for relation in self._lexicon.relations if {side.source for side in relation.sides} & kinds]
        others = random.sample(alike, min(len(alike), int(random.random() ** 2 * MOST_OTHERS)))
        for table in self._rivals:
            rivals = [rival for relation in wanted for rival in table.get(id(relation), ())]
            others += random.sample(rivals, min(len(rivals), random.randrange(MOST_RIVALS + 1)))
        others += random.choices(self._lexicon.relations, k=random.randrange(STRANGERS))
        for _ in range(random.randrange(STRANGERS)):
            start, end = self._lexicon.types[random.choice(sorted(kinds))], random.choice(self._types)
            others.append(self._vocabulary.invent((start, end) if random.random() < 0.6 else (end, start), random))
        return others

    def _wrong(self, text: str, random: Random) -> PathEpisode:
        """Ask what nothing in reach answers, take another word of the question for the mention, or only chat."""
        kind = random.choice(self._types).name
        schema = self._schema([self._steps.draw(kind, random).relation], random)
        if random.random() < CHAT:
            return rejection(noisy(random.choice(self._small_talk), PLACEHOLDERS, random), _everything(schema, random))
        reach = _reach(schema, kind, 0.1, random) or [schema[0].key(0)]
        words = text.split()
        others = [at for at, word in enumerate(words) if MENTION not in word and len(word) > 2]
        if others and MENTION in text:
            words[random.choice(others)] = "\0"
        return rejection(" ".join(words).replace(MENTION, self._name(random)).replace("\0", MENTION), reach)

    def _with_unknown_name(self, episode: PathEpisode, random: Random) -> PathEpisode:
        """Name something that the knowledge base does not have: what is said of it cannot be checked."""
        at = next(at for at, choice in enumerate(episode.choices) if choice.manner in COMPARING)
        text = episode.question.replace(OTHER, self._name(random), 1)
        choices = (*episode.choices[:at], Choice(episode.choices[at].reach, End.REJECT))
        return PathEpisode(text, choices, episode.asked)

    def _name(self, random: Random) -> str:
        return " ".join(random.choices(self._vocabulary.words, k=random.randint(1, 3)))


def _rivals(
    lexicon: Lexicon, words_of: Callable[[Relation], list[str]], most: float = math.inf
) -> dict[int, list[Relation]]:
    """Give for each relation those of the same kinds of entities that share a word with it, and at most so many.

    Those that share a whole label with it are no rivals: no question could tell them apart.
    """
    sharing: defaultdict[tuple[str, str], list[Relation]] = defaultdict(list)
    places = [
        [(side.source, word) for side in relation.sides for word in words_of(relation)]
        for relation in lexicon.relations
    ]
    for relation, own in zip(lexicon.relations, places, strict=True):
        for place in own:
            sharing[place].append(relation)
    return {
        id(relation): list(
            {
                id(one): one
                for place in own
                for one in sharing[place]
                if len(sharing[place]) <= most and not _labels(one) & _labels(relation)
            }.values()
        )
        for relation, own in zip(lexicon.relations, places, strict=True)
    }


def _labels(relation: Relation) -> frozenset[tuple[str, Kind]]:
    """Give the labels, each with the kind of values it leads to: a place and a year may both be *born in*."""
    return frozenset((label, KINDS.get(side.target, Kind.NAME)) for side in relation.sides for label in side.label_set)


def _label_words(relation: Relation) -> list[str]:
    """In an order of their own, not the sets': a seed must draw the same episodes in every process."""
    return sorted({word for label, _ in _labels(relation) for word in label.split() if len(word) >= LONG_WORD})


def _asking_words(relation: Relation) -> list[str]:
    """Words that people ask by: *born*, of a place and of a year."""
    asked = {word for side in relation.sides for text in (*side.asks, *side.participles) for word in text.split()}
    return sorted(word for word in asked if len(word) >= LONG_WORD and word.isalpha())


def _in_wrong_role(text: str, plan: Plan) -> str | None:
    """Take what a question compares with for its topic; None where it does not compare."""
    last = plan.steps[-1].manner
    if text.count(MENTION) == 2:
        return text.replace(MENTION, OTHER, 1)
    if last not in (Manner.ABOVE, Manner.BELOW):
        return None
    if MENTION not in text and OTHER in text:
        return text.replace(OTHER, MENTION)
    if MENTION in text and text.count(VALUE) == 1:
        return text.replace(MENTION, OTHER).replace(VALUE, MENTION)
    return None


def _place(relation: Relation, lexicon: Lexicon, random: Random, *, typed: bool) -> Placed:
    """Give a relation one of its labels, sometimes with a kind beside it, or a domain and a kind as in Freebase.

    Where things are `typed`, what it leads to is said to be what the lexicon calls it.
    """
    sides = [number for number in (0, 1) if relation.sides[number].labels]
    to_values = [number for number in sides if relation.sides[number].target in VALUES]
    orientation = random.choice(to_values or sides) if to_values or random.random() < INVERTED else sides[0]
    label = random.choice(relation.sides[orientation].labels)
    chance = random.random()
    if chance < PREFIXED:
        label = f"{random.choice(lexicon.types[relation.sides[orientation].source].singular)} {label}"
    elif chance < PREFIXED + SUFFIXED:
        label = f"{label} {random.choice(lexicon.types[relation.sides[orientation].target].singular)}"
    elif chance < PREFIXED + SUFFIXED + QUALIFIED:
        own = lexicon.types[relation.sides[orientation].source]
        domain = random.choice((*own.plural, *random.choice(list(lexicon.types.values())).singular))
        label = f"{domain} {random.choice(own.singular)} {label}"
    near, far = (_profile(lexicon.types[side.target], random, typed=typed) for side in relation.sides)
    return Placed(relation, orientation, label, (near, far))


def _profile(end: Type, random: Random, *, typed: bool) -> Profile:
    kind = KINDS.get(end.name, Kind.NAME)
    return Profile(kind, types=(random.choice(end.singular),) if typed and kind is Kind.NAME else ())


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


def _further(schema: Sequence[Placed], reach: Sequence[LabelledKey]) -> tuple[tuple[LabelledKey, LabelledKey], ...]:
    """Give keys in reach, each with those that start at what it leads to and are not in reach themselves."""
    here = set(reach)
    onward: defaultdict[str, list[LabelledKey]] = defaultdict(list)
    ends: dict[LabelledKey, str] = {}
    for placed in schema:
        for number, side in enumerate(placed.relation.sides):
            key = placed.key(number)
            ends[key] = side.target
            if key not in here:
                onward[side.source].append(key)
    return tuple(
        (near, far)
        for near in dict.fromkeys(reach)
        for far in onward[ends[near]]
        if (far.label, far.direction) != (near.label, 1 - near.direction)
    )


def _everything(schema: Sequence[Placed], random: Random) -> list[LabelledKey]:
    """Give all keys of a schema."""
    keys = [placed.key(side) for placed in schema for side in (0, 1)]
    random.shuffle(keys)
    return keys
