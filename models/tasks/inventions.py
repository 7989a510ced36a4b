"""Relations that no lexicon lists: names met in data sets, and random words, so that a reader learns to match words.

A label's words come back in the question as they are, or as words near to them in the encoder's table.
"""

import json
import lzma
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np

from kb.encoding import StaticEncoder
from models.tasks.grammar import Relation, Type, relation_of

PREPOSITIONS = frozenset(["in", "at", "by", "with", "for", "on", "to", "from", "under", "through", "into", "after"])
LEAST_COUNT = 3
MOST_WORDS = 4000
NEAR = 0.5
NUM_NEAR = 3
SWAP_CHANCE = 0.3


@dataclass(frozen=True)
class Vocabulary:
    """Names of relations, single words, and for words the words near to them."""

    names: Sequence[str]
    words: Sequence[str]
    near: Mapping[str, Sequence[str]]

    @classmethod
    def of_datasets(cls, datasets: Path, encoder: StaticEncoder) -> "Vocabulary":
        """Take relation names of CoDEx, FB15k-237 and SimpleQuestions, and the words of its questions."""
        names = {
            entry["label"] for entry in json.loads((datasets / "codex" / "relations_en.json").read_text()).values()
        }
        for line in (datasets / "fb15k-237" / "relation2text.txt").read_text(encoding="utf-8").splitlines():
            names.add(" ".join(line.split("\t")[1].split(". ")[-1].split()[-2:]))
        counts: Counter[str] = Counter()
        with lzma.open(datasets / "simplequestions-freebase" / "sqb_half.tsv.xz", "rt", encoding="utf-8") as lines:
            for line in lines:
                _, text, _, relation, *_ = line.split("\t")
                names.add(relation.rsplit(".", 1)[-1].replace("_", " "))
                counts.update(set(re.findall(r"[a-z]{3,}", text)))
        words = sorted(word for word, count in counts.most_common(MOST_WORDS) if count >= LEAST_COUNT)
        return cls(sorted(name for name in names if re.fullmatch(r"[a-z][a-z ]+", name)), words, _near(words, encoder))

    def invent(self, types: tuple[Type, Type], random: Random) -> Relation:
        """Make up a relation between two kinds of entities."""
        if random.random() < 0.5:
            label = random.choice(self.names)
        else:
            label = " ".join(random.choices(self.words, k=random.choice((1, 1, 2))))
        asked = " ".join(self._swap(word, random) for word in label.split())
        shape = random.choices(("nouns", "by", "does"), (0.75, 0.15, 0.1))[0]
        if label.split()[-1] in PREPOSITIONS:
            shape = "be"
        elif shape == "by" and " " in label:
            shape = "nouns"
        named, phrased = (_relation(shape, text, types) for text in (label, asked))
        sides = [replace(other, labels=side.labels) for side, other in zip(named.sides, phrased.sides, strict=True)]
        return Relation((sides[0], sides[1]), "")

    def _swap(self, word: str, random: Random) -> str:
        near = self.near.get(word, ())
        return random.choice(near) if near and random.random() < SWAP_CHANCE else word


def _relation(shape: str, text: str, types: tuple[Type, Type]) -> Relation:
    source, target = types
    entry = {"types": f"{source.name} > {target.name}", shape: text}
    return relation_of(entry, {source.name: source, target.name: target})


def _near(words: Sequence[str], encoder: StaticEncoder) -> dict[str, tuple[str, ...]]:
    """Find the words of most alike vectors, other forms of the same word left out."""
    vectors = encoder.encode(words)
    near = {}
    for at, word in enumerate(words):
        alike = vectors @ vectors[at]
        best = [other for other in np.argsort(-alike)[: 4 * NUM_NEAR].tolist() if alike[other] > NEAR]
        others = [words[other] for other in best if words[other][:4] != word[:4]]
        if others:
            near[word] = tuple(others[:NUM_NEAR])
    return near
