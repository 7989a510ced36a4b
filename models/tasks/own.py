"""Questions over one knowledge base, made by the grammar from its own relations.

What an adaptation learns from; over MetaQA's movies and the facts behind SimpleQuestions also a task to train a
reader by: real schemas, asked in every way.

Kinds of things are told by which entities have the same relations; a relation is worded as the lexicon has it where it
knows the label, else by the label's own words. Every step of a question stands in the schema, and nothing is made up.
No official scorer: it is a source of training questions only.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np

from kb.common_words import COMMON_WORDS
from models import movies
from models.kinds import Kind
from models.memory import KeyValueMemory, TripleMemory
from models.profiles import Profile, profiles_of
from models.tasks import simplequestions
from models.tasks.clauses import plural
from models.tasks.generated import LEXICON, GeneratedTask, Placed
from models.tasks.grammar import Lexicon, Relation, Side, Type, relation_of
from models.tasks.inventions import PREPOSITIONS, Vocabulary
from models.tasks.plans import Plan
from models.tasks.questions import question
from models.tasks.unsaid import blurs

KBS: Mapping[str, Callable[[Path], list[tuple[str, str, str]]]] = {
    "movies": movies.load_triples,
    "wikidata": simplequestions.load_triples,
}
VALUES = {Kind.NUMBER: "number", Kind.DATE: "year"}
SAME = 0.5
"""Two ends of relations are of one kind where this share of the smaller one's entities is in the larger one."""
SAMPLE = 50
MOST_RELATIONS = 300
ANYTHING = ("thing", "item", "one")


class OwnTask(GeneratedTask):
    """Episodes over the schema of one knowledge base."""

    name = "own"

    def __init__(
        self,
        lexicon: Lexicon,
        vocabulary: Vocabulary,
        profiles: Sequence[Profile],
        wrong_mentions: float,
        missing: float,
    ) -> None:
        super().__init__(lexicon, vocabulary, wrong_mentions, missing, invented=0.0)
        self._own = [
            Placed(relation, 0, relation.sides[0].labels[0], (profiles[2 * number], profiles[2 * number + 1]))
            for number, relation in enumerate(lexicon.relations)
        ]
        self._places = {id(placed.relation): placed for placed in self._own}

    @classmethod
    def of_memory(
        cls,
        memory: KeyValueMemory,
        labels: Sequence[str],
        profiles: Sequence[Profile],
        wrong_mentions: float = 0.05,
        missing: float = 0.1,
    ) -> "OwnTask":
        """Build the task from a memory, the labels of its relations, none of those gone, and the profiles of its keys.

        Raises:
            ValueError: there is no relation to ask about.
        """
        numbers = [number for number, label in enumerate(labels) if label]
        labels = [labels[number] for number in numbers]
        profiles = [profiles[key] for number in numbers for key in (2 * number, 2 * number + 1)]
        if not labels:
            raise ValueError("a knowledge base without relations has nothing to ask about")
        known = Lexicon.read(LEXICON)
        words = sorted({word for label in labels for word in label.split() if word.isalpha()} | {"thing"})
        vocabulary = Vocabulary(list(labels), words, {})
        lexicon = own_lexicon(memory, numbers, labels, [profile.kind for profile in profiles], known)
        return cls(lexicon, vocabulary, profiles, wrong_mentions, missing)

    @classmethod
    def of_kb(cls, kb: str, datasets: Path, wrong_mentions: float, missing: float) -> "OwnTask":
        """Build the task over a knowledge base of the data sets: `movies` or `wikidata`."""
        memory = TripleMemory(KBS[kb](datasets))
        return cls.of_memory(memory, memory.relation_labels, profiles_of(memory), wrong_mentions, missing)

    def _question(self, random: Random) -> Plan:
        """Draw a question whose every step is a relation of the knowledge base."""
        while True:
            plan = question(self._steps, random)
            if all(id(step.relation) in self._places for step in plan.steps) and not self._is_blurred(plan):
                return plan

    def _is_blurred(self, plan: Plan) -> bool:
        """Tell whether another relation of the knowledge base would be as good an answer."""
        used = {id(step.relation) for step in plan.steps}
        return plan.between is not None and any(
            blurs(placed.relation, plan, self._lexicon) for placed in self._own if id(placed.relation) not in used
        )

    def _schema(self, wanted: Sequence[Relation], random: Random, plan: Plan | None = None) -> list[Placed]:
        """Give the whole schema, the wanted relations first."""
        first = [self._places[id(relation)] for relation in wanted if id(relation) in self._places]
        return first + [placed for placed in self._own if placed not in first]


def own_lexicon(
    memory: KeyValueMemory, numbers: Sequence[int], labels: Sequence[str], kinds: Sequence[Kind], known: Lexicon
) -> Lexicon:
    """Give relations of a memory, by number, with the kinds they join and the words they are asked by.

    A kind of things is called as the lexicon calls those that most of its relations join; else by the relations' nouns.
    """
    ends = _ends(memory, [key for number in numbers[:MOST_RELATIONS] for key in (2 * number, 2 * number + 1)])
    places = range(min(len(labels), MOST_RELATIONS))
    names = [VALUES.get(kinds[key - 1] if key % 2 else kinds[key + 1], f"kind {end}") for key, end in enumerate(ends)]
    alike = [_known(labels[n], names[2 * n + 1], known) for n in places]
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for n in places:
        for at, kind in ((2 * n, "source"), (2 * n + 1, "target")):
            votes[names[at]].update(sorted({getattr(sides[0], kind) for sides in alike[n]}))
    called = {name: found.most_common(1)[0][0] for name, found in votes.items() if found}
    types = {name: known.types[name] for name in VALUES.values()}
    for name in names:
        if name in called and name not in types:
            types[name] = replace(known.types[called[name]], name=name)
        elif name not in types:
            nouns = [*_nouns(labels, names, name), *ANYTHING]
            types[name] = Type(name, tuple(nouns), tuple(map(plural, nouns)), "what")
    relations = []
    for n in places:
        fitting = [(near.source == called.get(names[2 * n]), near, far) for near, far in alike[n]]
        best = max(fitting, key=lambda one: one[0])[1:] if fitting else None
        relations.append(_relation(labels[n], types[names[2 * n]], types[names[2 * n + 1]], best))
    return Lexicon(types, relations, known.degrees)


def _known(label: str, target: str, known: Lexicon) -> list[tuple[Side, Side]]:
    """Give the lexicon's relations with a label, its own side first, that lead to values of the same kind."""
    found = []
    for relation in known.relations:
        for near, far in (relation.sides, relation.sides[::-1]):
            is_alike = near.target == target or not {near.target, target} & {*VALUES.values()}
            if label.casefold() in near.label_set and is_alike:
                found.append((near, far))
    return found


def _ends(memory: KeyValueMemory, keys: Sequence[int]) -> list[int]:
    """Number the ends of relations by kind: those that share entities are of one."""
    held = [memory.holders(key) for key in keys]
    kind = list(range(len(keys)))
    for one in range(len(keys)):
        for other in range(one):
            small, large = sorted((one, other), key=lambda at: len(held[at]))
            sample, among = held[small][:: max(1, len(held[small]) // SAMPLE)], held[large]
            places = np.searchsorted(among, sample).clip(max=len(among) - 1)
            if len(sample) and (among[places] == sample).mean() >= SAME:
                joined = kind[one]
                kind = [kind[other] if at == joined else at for at in kind]
    return kind


def _nouns(labels: Sequence[str], names: Sequence[str], name: str) -> Iterator[str]:
    """Give the nouns that relations have for what they lead to: a *head keeper* is a keeper."""
    found = [labels[key // 2].split()[-1] for key, end in enumerate(names) if end == name and key % 2]
    return iter(
        dict.fromkeys(word for word in found if word.isalpha() and word not in COMMON_WORDS and word[-2:] != "ed")
    )


def _relation(label: str, source: Type, target: Type, sides: tuple[Side, Side] | None) -> Relation:
    """Word a relation: as the lexicon's sides do, or by its label."""
    if sides is None:
        words = label.casefold()
        shape = "be" if words.split()[-1] in PREPOSITIONS and " " in words else "nouns"
        entry = {"types": f"{source.name} > {target.name}", shape: words.removeprefix("has ").removeprefix("is ")}
        sides = relation_of(entry, {source.name: source, target.name: target}).sides
    near = replace(sides[0], source=source.name, target=target.name, labels=(label,))
    return Relation((near, replace(sides[1], source=target.name, target=source.name, labels=())), "")
