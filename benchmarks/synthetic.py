"""A knowledge base of any size from a seed: Zipf degrees, hubs, many- and few-valued relations, values, aliases.

    python -m benchmarks.synthetic OUT.tsv [--triples 1000000] [--entities 300000] [--relations 200] [--seed 1]

A name ending in .nt gives N-Triples, with typed values, and a twentieth of the entities with a second name. Every
entity is a subject, no triple comes twice. Facts come subject by subject, as in a dump, in blocks; each block is drawn
from a seed of its own, so that any can be made again alone, and only 8 bytes a block of entities are kept.
`--questions N` writes questions of one to three hops with their gold paths and answers beside it, as NDJSON.
"""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from benchmarks import labels
from benchmarks.labels import DATE, MAX_ENTITIES, MAX_RELATIONS, NUMBER, ROLES, TEXT, THING, IntArray, Lines

BLOCK = 2_048
"""Entities whose facts are drawn together."""
ALIAS_STEP = 20
"""One entity of these has a second name."""

# Exponents as in large graphs of people, works and places: a few hubs, a long tail.
_SUBJECT_EXPONENT, _OBJECT_EXPONENT, _RELATION_EXPONENT = 0.6, 0.9, 1.0
_FREE_ROUNDS = 3
"""Times that what came twice is drawn anew from all relations; then from many-valued ones only."""
_BASE = "http://example.org/"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_DATATYPES = {DATE: f"^^<{_XSD}date>", NUMBER: f"^^<{_XSD}integer>", TEXT: ""}
_ALIAS = "http://www.w3.org/2004/02/skos/core#altLabel"


@dataclass(frozen=True)
class Shape:
    """How large a knowledge base is."""

    num_triples: int = 1_000_000
    num_entities: int = 300_000
    num_relations: int = 200

    def __post_init__(self) -> None:
        if self.num_entities > MAX_ENTITIES or not 2 <= self.num_relations <= MAX_RELATIONS:
            raise ValueError(f"there are names for {MAX_ENTITIES:,} entities and 2 to {MAX_RELATIONS} relations only")
        if self.num_triples < self.num_entities:
            raise ValueError("every entity needs a triple of its own: ask for at least as many triples as entities")


@dataclass(frozen=True)
class Facts:
    """Facts by number, those of one subject together; what an object's number means, the relation says."""

    subjects: IntArray
    relations: IntArray
    objects: IntArray

    def __len__(self) -> int:
        return len(self.subjects)

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """The facts as labels."""
        for subject, relation, value in zip(*map(np.ndarray.tolist, self._parts()), strict=True):
            yield labels.entity_label(subject), labels.relation_label(relation), object_label(relation, value)

    def of(self, subject: int) -> "Facts":
        """The facts of one subject."""
        first, last = self.subjects.searchsorted(np.array([subject, subject + 1])).tolist()
        return Facts(*(part[first:last] for part in self._parts()))

    def _parts(self) -> tuple[IntArray, IntArray, IntArray]:
        return self.subjects, self.relations, self.objects


def value_kind(relation: int) -> int:
    """What a relation leads to."""
    return int(labels.VALUE_KINDS[relation % len(ROLES)])


def object_label(relation: int, value: int) -> str:
    """What a relation leads to, as text."""
    kind = value_kind(relation)
    return labels.entity_label(value) if kind == THING else labels.value_label(kind, value)


class _Shuffle:
    """A one-to-one map of the numbers below a count to themselves, without a table."""

    def __init__(self, random: np.random.Generator, count: int) -> None:
        self._count = count
        self._factor = max(1, int(count * random.uniform(0.3, 0.7)))
        while math.gcd(self._factor, count) != 1:
            self._factor += 1
        self._shift = int(random.integers(count))

    def __call__(self, numbers: IntArray) -> IntArray:
        return (numbers * self._factor + self._shift) % self._count


class KnowledgeBase:
    """Facts by block; the same for the same shape and seed."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self.shape = shape
        self.seed = seed
        random = np.random.default_rng(seed)
        self._subject_ranks, self._objects = (_Shuffle(random, shape.num_entities) for _ in range(2))
        numbers = np.arange(shape.num_relations)
        self._kinds = labels.VALUE_KINDS[numbers % len(ROLES)]
        self._is_few = (self._kinds != THING) | (numbers % 2 == 0)
        weights = (numbers + 1.0) ** -_RELATION_EXPONENT
        self._relation_weights = np.cumsum(weights)
        self._many_weights = np.cumsum(np.where(self._is_few, 0, weights))
        sums = [float(self._weights(number).sum()) for number in range(self.num_blocks)]
        drawn = shape.num_triples - shape.num_entities
        self._scale = drawn / math.fsum(sums)
        self._bounds = np.floor(np.concatenate(([0.0], np.cumsum(sums))) * self._scale).astype(np.int64)
        self._bounds[-1] = drawn
        num_many = int((~self._is_few).sum())
        if self._scale + 2 > num_many * (shape.num_entities - 1) / 2:  # facts of the largest hub
            raise ValueError("so many different triples need more entities or relations")

    @property
    def num_blocks(self) -> int:
        """How many blocks there are."""
        return -(-self.shape.num_entities // BLOCK)

    def blocks(self) -> Iterator[Facts]:
        """All facts."""
        return map(self.block, range(self.num_blocks))

    def block(self, number: int) -> Facts:
        """The facts of one block of subjects."""
        random = np.random.default_rng([self.seed, number])
        subjects = np.repeat(self._members(number), self._quotas(number))
        owners, relations, objects = subjects[:0], subjects[:0], subjects[:0]
        missing, rounds = subjects, 0
        while len(missing):
            weights = self._relation_weights if rounds < _FREE_ROUNDS else self._many_weights
            fresh = self._drawn_relations(random, weights, len(missing))
            owners, relations = np.concatenate((owners, missing)), np.concatenate((relations, fresh))
            objects = np.concatenate((objects, self._drawn_objects(random, missing, fresh)))
            first = self._first_of_each(owners, relations, objects)
            is_repeat = np.ones(len(owners), bool)
            is_repeat[first] = False
            missing = owners[is_repeat]
            owners, relations, objects = owners[first], relations[first], objects[first]
            rounds += 1
        order = np.argsort(owners, kind="stable")
        return Facts(owners[order], relations[order], objects[order])

    def _members(self, number: int) -> IntArray:
        return np.arange(number * BLOCK, min((number + 1) * BLOCK, self.shape.num_entities))

    def _weights(self, number: int) -> NDArray[np.float64]:
        ranks = self._subject_ranks(self._members(number)).astype(np.float64)
        return np.power(ranks + 1, -_SUBJECT_EXPONENT, dtype=np.float64)

    def _quotas(self, number: int) -> IntArray:
        """How many facts each subject of a block has."""
        low, high = self._bounds[number : number + 2].tolist()
        inner = low + np.floor(np.cumsum(self._weights(number)) * self._scale).astype(np.int64)
        ends = np.concatenate(([low], np.minimum(inner, high)))
        ends[-1] = high
        quotas: IntArray = 1 + np.diff(ends)
        return quotas

    def _drawn_relations(self, random: np.random.Generator, weights: NDArray[np.float64], count: int) -> IntArray:
        places = weights.searchsorted(random.random(count) * weights[-1], side="right")
        drawn: IntArray = np.minimum(places, len(weights) - 1).astype(np.int64)
        return drawn

    def _drawn_objects(self, random: np.random.Generator, subjects: IntArray, relations: IntArray) -> IntArray:
        """Entities by Zipf, values evenly."""
        count, power = self.shape.num_entities, 1 - _OBJECT_EXPONENT
        chance = random.random(len(subjects))
        ranks = (1 + chance * ((count + 1.0) ** power - 1)) ** (1 / power)  # the inverse of the sum, as of an integral
        things = self._objects(np.clip(ranks.astype(np.int64), 1, count) - 1)
        things = np.where(things == subjects, (things + 1) % count, things)
        kinds = self._kinds[relations]
        return np.where(kinds == THING, things, (chance * labels.VALUE_COUNTS[kinds]).astype(np.int64))

    def _first_of_each(self, owners: IntArray, relations: IntArray, objects: IntArray) -> IntArray:
        """Places of facts that are no repeat; a few-valued relation has one value."""
        values = np.where(self._is_few[relations], 0, objects)
        codes = ((owners % BLOCK) * self.shape.num_relations + relations) * self.shape.num_entities + values
        first: IntArray = np.unique(codes, return_index=True)[1]
        return first


def write_tsv(path: Path, shape: Shape, seed: int) -> None:
    """One triple a line, tabs between."""
    with path.open("wb") as file:
        for facts in KnowledgeBase(shape, seed).blocks():
            lines = Lines(len(facts))
            lines.entities(facts.subjects, " ")
            lines.text("\t")
            lines.relations(facts.relations, " ")
            lines.text("\t")
            _add_objects(lines, facts, " ", ("", ""), dict.fromkeys(_DATATYPES, ("", "")))
            lines.text("\n")
            file.write(lines.content())


def write_ntriples(path: Path, shape: Shape, seed: int) -> None:
    """The same triples as N-Triples, things as IRIs whose last part is the label; and aliases."""
    quotes = {kind: ('"', f'"{datatype}') for kind, datatype in _DATATYPES.items()}
    with path.open("wb") as file:
        for facts in KnowledgeBase(shape, seed).blocks():
            lines = Lines(len(facts))
            lines.text(f"<{_BASE}")
            lines.entities(facts.subjects, "_")
            lines.text(f"> <{_BASE}")
            lines.relations(facts.relations, "_")
            lines.text("> ")
            _add_objects(lines, facts, "_", (f"<{_BASE}", ">"), quotes)
            lines.text(" .\n")
            file.write(lines.content())
            _write_aliases(file, facts)


def _add_objects(
    lines: Lines, facts: Facts, blank: str, around_things: tuple[str, str], around: dict[int, tuple[str, str]]
) -> None:
    kinds = labels.VALUE_KINDS[facts.relations % len(ROLES)]
    is_thing = kinds == THING
    lines.text(around_things[0], is_thing)
    lines.entities(np.where(is_thing, facts.objects, 0), blank, is_thing)
    lines.text(around_things[1], is_thing)
    for kind, (before, after) in around.items():
        lines.text(before, kinds == kind)
        lines.values(kind, facts.objects, kinds == kind)
        lines.text(after, kinds == kind)


def _write_aliases(file: BinaryIO, facts: Facts) -> None:
    subjects = np.unique(facts.subjects)
    named = subjects[subjects % ALIAS_STEP == 0]
    lines = Lines(len(named))
    lines.text(f"<{_BASE}")
    lines.entities(named, "_")
    lines.text(f'> <{_ALIAS}> "')
    lines.aliases(named)
    lines.text('"@en .\n')
    file.write(lines.content())


def main() -> None:
    """Writes a file; its suffix says which format."""
    from benchmarks.questions import synthetic_questions

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--triples", type=int, default=Shape.num_triples)
    arguments.add_argument("--entities", type=int, default=Shape.num_entities)
    arguments.add_argument("--relations", type=int, default=Shape.num_relations)
    arguments.add_argument("--questions", type=int, default=0)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    shape = Shape(given.triples, given.entities, given.relations)
    write = write_ntriples if given.out.suffix == ".nt" else write_tsv
    write(given.out, shape, given.seed)
    if given.questions:
        with given.out.with_suffix(".questions.jsonl").open("w", encoding="utf-8") as file:
            for asked in synthetic_questions(KnowledgeBase(shape, given.seed), given.questions, given.seed):
                file.write(json.dumps(asked.as_json()) + "\n")


if __name__ == "__main__":
    main()
