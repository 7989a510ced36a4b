"""Key hashing: triples to the slots of a memory, found by the entities that a question names (Miller et al. 2016).

Every triple is two facts: with the key (subject, relation) it gives its object, with (object, !relation) its subject.
An entity is one word, its label. Knows no data set.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from models.episodes import KeyValue, Words

INVERSE = "!"
"""Stands before a relation that is read from object to subject."""
_TOKEN = re.compile(r"\w+|[^\w\s]")

Facts = tuple[KeyValue, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far facts are followed from the entities that a question names."""

    hops: int = 1
    per_key: int = 50  # most facts of one key, its first ones
    hub: int = 1000  # entities reached that have this many facts or more are not followed further
    slots: int = 1000  # most facts in all, the nearest


@dataclass(slots=True)
class KeyedFacts:
    """Facts by the entity of their key, in the order of the triples."""

    _facts: dict[str, dict[str, list[KeyValue]]] = field(default_factory=dict)

    @classmethod
    def of(cls, triples: Iterable[tuple[str, str, str]]) -> "KeyedFacts":
        """Take in triples."""
        facts = cls()
        for subject, relation, value in triples:
            facts._add(subject, relation, value)
            facts._add(value, INVERSE + relation, subject)
        return facts

    def _add(self, entity: str, relation: str, value: str) -> None:
        keys = self._facts.setdefault(entity, {})
        keys.setdefault(relation, []).append(KeyValue((entity, relation), value))

    @property
    def entities(self) -> Collection[str]:
        """Labels of all entities."""
        return self._facts.keys()

    @property
    def relations(self) -> list[str]:
        """Labels of all relations, of both directions, sorted."""
        return sorted({relation for keys in self._facts.values() for relation in keys})

    def around(self, entities: Iterable[str], reach: Reach) -> Facts:
        """Give the facts whose key has one of the entities, then those of the entities that they lead to, and so on."""
        frontier = list(dict.fromkeys(entity for entity in entities if entity in self._facts))
        seen, found = set(frontier), list[KeyValue]()
        for _ in range(reach.hops):
            reached: dict[str, None] = {}
            for entity in frontier:
                for facts in self._facts[entity].values():
                    found += facts[: reach.per_key]
                    reached.update((fact.value, None) for fact in facts[: reach.per_key])
                if len(found) >= reach.slots:
                    return tuple(found[: reach.slots])
            frontier = [entity for entity in reached if entity not in seen and not self._is_hub(entity, reach.hub)]
            seen.update(frontier)
        return tuple(found)

    def _is_hub(self, entity: str, hub: int) -> bool:
        return sum(map(len, self._facts[entity].values())) >= hub


def sentences(facts: Facts) -> tuple[Words, ...]:
    """Give each fact as one text, for networks that know no keys."""
    return tuple((*fact.key, fact.value) for fact in facts)


def cut_question(text: str, entities: Collection[str]) -> Words:
    """Cut a question into lower-case words, and the entities that it names, each a word: from the left, the longest."""
    tokens = list(_TOKEN.finditer(text))
    words, at = [], 0
    while at < len(tokens):
        start = tokens[at].start()
        for end in range(len(tokens), at, -1):
            mention = text[start : tokens[end - 1].end()]
            if mention in entities:
                words.append(mention)
                at = end
                break
        else:
            words.append(tokens[at].group().lower())
            at += 1
    return tuple(words)


def cut_words(text: str) -> Words:
    """Cut a text that names no entities into lower-case words."""
    return tuple(token.lower() for token in _TOKEN.findall(text))
