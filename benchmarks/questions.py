"""Questions with their topic, gold path and answers: MetaQA's of its dev sets, or made over a generated KB."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import labels
from benchmarks.synthetic import BLOCK, KnowledgeBase, object_label, value_kind
from models.episodes import FORWARD, MENTION
from models.tasks import metaqa

DATASETS = Path(os.environ.get("HOPFACT_DATASETS", "../shared/data"))
MAX_HOPS = 3
_MOST_IN_BETWEEN = 5
"""Entities that a hop of a generated question may go on from."""
_REMEMBERED_BLOCKS = 2_048

Step = tuple[str, int]


@dataclass(frozen=True)
class Asked:
    """One question; a step of the path is a relation's label and a direction, 0 forward and 1 inverse."""

    text: str
    topic: str
    path: tuple[Step, ...]
    answers: frozenset[str]

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "question": self.text,
            "topic": self.topic,
            "path": self.path,
            "answers": sorted(self.answers),
        }


def has_metaqa(datasets: Path) -> bool:
    """Whether MetaQA is among the data sets."""
    return (datasets / "metaqa" / "kb.txt.xz").is_file()


def metaqa_questions(datasets: Path, count: int, seed: int) -> list[Asked]:
    """Questions of its dev sets, one to three hops alike, mixed."""
    draw = Random(seed)
    asked = [
        Asked(
            one.text.replace(MENTION, one.topic),
            one.topic,
            tuple((key.label, key.direction) for key in one.path),
            frozenset(one.answers),
        )
        for hops in range(1, metaqa.MAX_HOPS + 1)
        for one in draw.sample(metaqa.load_questions(datasets, "dev", hops), count // metaqa.MAX_HOPS)
    ]
    draw.shuffle(asked)
    return asked


def synthetic_questions(kb: KnowledgeBase, count: int, seed: int) -> Iterator[Asked]:
    """Questions of one to three hops in turn: "who is the former editor of the chief host of Kelston Oak Hall?"."""
    draw = Random(seed)
    block = lru_cache(_REMEMBERED_BLOCKS)(kb.block)
    made = 0
    while made < count:
        topic = draw.randrange(kb.shape.num_entities)
        entities, path = {topic}, []
        answers: set[str] = set()
        for hop in range(made % MAX_HOPS, -1, -1):
            facts = {
                fact
                for subject in sorted(entities)
                for found in (block(subject // BLOCK).of(subject),)
                for fact in zip(found.relations.tolist(), found.objects.tolist(), strict=True)
            }
            relations = sorted({one for one, _ in facts if not hop or value_kind(one) == labels.THING})
            if not relations or len(entities) > _MOST_IN_BETWEEN:
                break
            relation = draw.choice(relations)
            path.append(relation)
            entities = {value for one, value in facts if one == relation}
            answers = {object_label(relation, value) for value in entities}
        else:
            made += 1
            names = [labels.relation_label(relation) for relation in path]
            label = labels.entity_label(topic)
            text = f"who is the {' of the '.join(reversed(names))} of {label}?"
            yield Asked(text, label, tuple((name, FORWARD) for name in names), frozenset(answers))
