"""Kinds of things that a question names: *the maker of the lamp* passes through what a fact says to be a lamp."""

import numpy as np

from models.episodes import Manner
from models.memory import Hop, IntArray, KeyValueMemory
from models.steps import Argument, Start, Stepper


def is_any_of_kind(memory: KeyValueMemory, entities: IntArray, kind: IntArray, budget: int) -> bool:
    """Whether a fact says of any of the entities that it is what the name of a kind means."""
    return len(keys_of_kind(memory, entities, kind, budget)) > 0


def keys_of_kind(memory: KeyValueMemory, entities: IntArray, kind: IntArray, budget: int) -> IntArray:
    """The keys by which any of the entities is of a kind; at most `budget` facts of each are read."""
    keys = np.intersect1d(memory.keys_of(kind) ^ 1, memory.keys_of(entities))
    says = [np.isin(memory.facts_of(entities, key, budget).targets, kind).any() for key in keys.tolist()]
    return keys[np.array(says, np.bool_)]


def keys_to_kind(memory: KeyValueMemory, entities: IntArray, keys: IntArray, kind: IntArray, budget: int) -> IntArray:
    """The places of the keys that lead from entities to things of a kind; none where one of these is such a thing."""
    if is_any_of_kind(memory, entities, kind, budget):
        return np.empty(0, np.int32)
    reached = [memory.facts_of(entities, key, budget).targets for key in keys.tolist()]
    return np.flatnonzero([is_any_of_kind(memory, targets, kind, budget) for targets in reached]).astype(np.int32)


def keep_to_kind(memory: KeyValueMemory, stepper: Stepper, start: Start, kind: Argument) -> tuple[int, Hop] | None:
    """Keep to the things of a kind, and the key by which most of them are; None where none are."""
    keys = np.intersect1d(memory.keys_of(kind.entities) ^ 1, memory.keys_of(start.entities))
    kept = [(key, stepper.take(start, key, Manner.KEEP, kind)) for key in keys.tolist()]
    found = [(key, hop) for key, hop in kept if hop is not None and len(hop.entities)]
    return max(found, key=lambda one: len(one[1].entities), default=None)
