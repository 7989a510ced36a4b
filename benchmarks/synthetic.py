"""A knowledge base of any size from a seed: readable labels, Zipf degrees, no triple twice, every entity in use.

    python -m benchmarks.synthetic OUT.tsv [--triples 1000000] [--entities 300000] [--relations 200] [--seed 1]

A name ending in .nt gives N-Triples. Triples come in batches; memory holds 8 bytes a triple, to find repeats.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Rows = Iterator[tuple[str, str, str]]

_BATCH = 50_000


def _words(text: str) -> list[str]:
    return text.split()


# Exponents as in large graphs of people, works and places: a few hubs, a long tail.
_SUBJECT_EXPONENT, _OBJECT_EXPONENT, _RELATION_EXPONENT = 0.6, 0.9, 1.0

_STARTS = _words("Al Bar Cor Dan El Far Gal Hol Is Jor Kel Lin Mar Nor Os Pel Quin Ros Sel Tor")
_ENDS = _words("ano bert by da den dor fel gan ham ia kin la ley mond na nell ra rick sen ston tan ter ton vik win")
_FAMILIES = _words(
    "Amber Ash Black Bridge Brook Cliff Copper Dale East Field Forest Glen Golden Green Harbour Hill Iron Lake Long "
    "Marsh Meadow North Oak River Silver South Stone Thorn West Wood"
)
_KINDS = _words(
    "Academy Ballad Bridge Castle Chapel Chronicle College Company Gallery Garden Hall Institute Island Journal "
    "Library Museum Orchestra Park School Society"
)
_MANNERS = _words("chief early first former honorary last main official present second")
_ROLES = _words(
    "architect author composer critic director editor founder guest host leader member neighbour owner patron "
    "producer publisher sponsor successor teacher translator"
)


@dataclass(frozen=True)
class Shape:
    """How large a knowledge base is."""

    num_triples: int = 1_000_000
    num_entities: int = 300_000
    num_relations: int = 200

    def __post_init__(self) -> None:
        if self.num_entities > MAX_ENTITIES or self.num_relations > MAX_RELATIONS:
            raise ValueError(f"there are names for {MAX_ENTITIES:,} entities and {MAX_RELATIONS} relations only")
        if self.num_triples < self.num_entities:
            raise ValueError("every entity needs a triple of its own: ask for at least as many triples as entities")


MAX_ENTITIES = len(_STARTS) * len(_ENDS) * len(_FAMILIES) * len(_KINDS)
MAX_RELATIONS = len(_MANNERS) * len(_ROLES)


def entity_label(entity: int) -> str:
    """The name of an entity, different for each number below MAX_ENTITIES: "Kelston Silver Orchestra"."""
    rest, kind = divmod(entity, len(_KINDS))
    rest, family = divmod(rest, len(_FAMILIES))
    start, end = divmod(rest, len(_ENDS))
    return f"{_STARTS[start]}{_ENDS[end]} {_FAMILIES[family]} {_KINDS[kind]}"


def relation_label(relation: int) -> str:
    """The name of a relation, different for each number below MAX_RELATIONS: "former editor"."""
    manner, role = divmod(relation, len(_ROLES))
    return f"{_MANNERS[manner]} {_ROLES[role]}"


def generate(shape: Shape, seed: int) -> Rows:
    """All triples as labels; the same for the same shape and seed."""
    entities = [entity_label(number) for number in range(shape.num_entities)]
    relations = [relation_label(number) for number in range(shape.num_relations)]
    for subjects, keys, objects in _batches(shape, seed):
        for subject, key, object_ in zip(subjects.tolist(), keys.tolist(), objects.tolist(), strict=True):
            yield entities[subject], relations[key], entities[object_]


def _batches(shape: Shape, seed: int) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
    """Subjects, relations and objects, numbered: first each entity once as a subject, then as chance has it."""
    random = np.random.default_rng(seed)
    draw_subjects = _zipf(random, shape.num_entities, _SUBJECT_EXPONENT)
    draw_objects = _zipf(random, shape.num_entities, _OBJECT_EXPONENT)
    draw_relations = _zipf(random, shape.num_relations, _RELATION_EXPONENT)
    waiting = random.permutation(shape.num_entities)
    seen: IntArray = np.empty(0, dtype=np.int64)
    while len(seen) < shape.num_triples:
        wanted = min(_BATCH, shape.num_triples - len(seen))
        spine, waiting = waiting[:wanted], waiting[wanted:]
        subjects = np.concatenate([spine, draw_subjects(wanted - len(spine))])
        relations, objects = draw_relations(wanted), draw_objects(wanted)
        objects = np.where(objects == subjects, (objects + 1) % shape.num_entities, objects)
        codes = (subjects * shape.num_relations + relations) * shape.num_entities + objects
        _, first = np.unique(codes, return_index=True)
        new = np.sort(first[~np.isin(codes[first], seen)])
        seen = np.concatenate([seen, codes[new]])
        yield subjects[new], relations[new], objects[new]


def _zipf(random: np.random.Generator, count: int, exponent: float) -> Callable[[int], IntArray]:
    """Draws numbers below `count`, the i-th most frequent with weight i ** -exponent, which is which shuffled."""
    cumulative = np.cumsum(np.arange(1, count + 1, dtype=np.float64) ** -exponent)
    shuffled = random.permutation(count)

    def draw(amount: int) -> IntArray:
        ranks = np.searchsorted(cumulative, random.random(amount) * cumulative[-1], side="right")
        drawn: IntArray = shuffled[np.minimum(ranks, count - 1)]
        return drawn

    return draw


def write_tsv(path: Path, shape: Shape, seed: int) -> None:
    """One triple a line, tabs between."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{subject}\t{relation}\t{object_}\n" for subject, relation, object_ in generate(shape, seed))


def write_ntriples(path: Path, shape: Shape, seed: int) -> None:
    """The same triples as N-Triples, each term an IRI whose last part is the label."""
    with path.open("w", encoding="ascii") as file:
        for row in generate(shape, seed):
            file.write(" ".join(f"<http://example.org/{label.replace(' ', '_')}>" for label in row) + " .\n")


def main() -> None:
    """Writes a file; its suffix says which format."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--triples", type=int, default=Shape.num_triples)
    arguments.add_argument("--entities", type=int, default=Shape.num_entities)
    arguments.add_argument("--relations", type=int, default=Shape.num_relations)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    write = write_ntriples if given.out.suffix == ".nt" else write_tsv
    write(given.out, Shape(given.triples, given.entities, given.relations), given.seed)


if __name__ == "__main__":
    main()
