"""Questions over one knowledge base, made by the grammar from its own relations: what an adaptation learns from.

Kinds of things are told by which entities have the same relations; a relation is worded as the lexicon has it where it
knows the label, else by the label's own words. Every step of a question stands in the schema, and nothing is made up.
No official scorer: it is a source of training questions only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import numpy as np

from kb.common_words import COMMON_WORDS
from models.kinds import Kind
from models.memory import KeyValueMemory
from models.tasks.clauses import plural
from models.tasks.generated import LEXICON, GeneratedTask, Placed
from models.tasks.grammar import Lexicon, Relation, Type, relation_of
from models.tasks.inventions import PREPOSITIONS, Vocabulary
from models.tasks.plans import Plan
from models.tasks.questions import question

VALUES = {Kind.NUMBER: "number", Kind.DATE: "year"}
SAME = 0.5
"""Two ends of relations are of one kind where this share of the smaller one's entities is in the larger one."""
SAMPLE = 50
MOST_RELATIONS = 300
ANYTHING = ("thing", "item", "one")


class OwnTask(GeneratedTask):
    """Episodes over the schema of one knowledge base."""

    name = "own"

    def __init__(self, lexicon: Lexicon, vocabulary: Vocabulary, wrong_mentions: float, missing: float) -> None:
        super().__init__(lexicon, vocabulary, wrong_mentions, missing, invented=0.0)
        self._own = [Placed(relation, 0, relation.sides[0].labels[0]) for relation in lexicon.relations]
        self._places = {id(placed.relation): placed for placed in self._own}

    @classmethod
    def of_memory(
        cls,
        memory: KeyValueMemory,
        labels: Sequence[str],
        kinds: Sequence[Kind],
        wrong_mentions: float = 0.05,
        missing: float = 0.1,
    ) -> "OwnTask":
        """Build the task from a memory, the labels of its relations and the kinds of its keys.

        Raises:
            ValueError: there is no relation to ask about.
        """
        if not labels:
            raise ValueError("a knowledge base without relations has nothing to ask about")
        known = Lexicon.read(LEXICON)
        words = sorted({word for label in labels for word in label.split() if word.isalpha()} | {"thing"})
        vocabulary = Vocabulary(list(labels), words, {})
        return cls(own_lexicon(memory, labels, kinds, known), vocabulary, wrong_mentions, missing)

    def _question(self, random: Random) -> Plan:
        """Draw a question whose every step is a relation of the knowledge base."""
        while True:
            plan = question(self._steps, random)
            if all(id(step.relation) in self._places for step in plan.steps):
                return plan

    def _schema(self, wanted: Sequence[Relation], random: Random, text: str = "") -> list[Placed]:
        """Give the whole schema, the wanted relations first."""
        first = [self._places[id(relation)] for relation in wanted if id(relation) in self._places]
        return first + [placed for placed in self._own if placed not in first]


def own_lexicon(memory: KeyValueMemory, labels: Sequence[str], kinds: Sequence[Kind], known: Lexicon) -> Lexicon:
    """Give the relations of a memory with the kinds they join and the words they are asked by."""
    numbers = range(min(len(labels), MOST_RELATIONS))
    ends = _ends(memory, [key for number in numbers for key in (2 * number, 2 * number + 1)])
    names = [VALUES.get(kinds[key - 1] if key % 2 else kinds[key + 1], f"kind {end}") for key, end in enumerate(ends)]
    types = {name: known.types[name] for name in VALUES.values()}
    for name in names:
        if name not in types:
            nouns = [*_nouns(labels, names, name), *ANYTHING]
            types[name] = Type(name, tuple(nouns), tuple(map(plural, nouns)), "what")
    relations = [_relation(labels[n], types[names[2 * n]], types[names[2 * n + 1]], known) for n in numbers]
    return Lexicon(types, relations, known.degrees)


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


def _relation(label: str, source: Type, target: Type, known: Lexicon) -> Relation:
    """Word a relation: as the lexicon does, turned where it has the label for the other direction; or by its label."""
    words = label.casefold()
    for relation in known.relations:
        for number in (0, 1):
            near, far = relation.sides[number], relation.sides[1 - number]
            is_alike = near.target == target.name or not {near.target, target.name} & {*VALUES.values()}
            if words in near.label_set and is_alike:
                return Relation(
                    (
                        replace(near, source=source.name, target=target.name, labels=(label,)),
                        replace(far, source=target.name, target=source.name, labels=()),
                    ),
                    "",
                )
    shape = "be" if words.split()[-1] in PREPOSITIONS and " " in words else "nouns"
    entry = {"types": f"{source.name} > {target.name}", shape: words.removeprefix("has ").removeprefix("is ") or words}
    made = relation_of(entry, {source.name: source, target.name: target})
    return Relation((replace(made.sides[0], labels=(label,)), replace(made.sides[1], labels=())), "")
