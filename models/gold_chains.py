"""Finds how known answers are reached: a path to learn from, for questions that come with answers only.

The reader's own search, without its pruning, offers chains; of those whose answers fit best the likeliest is taken, as
in the iterative maximum likelihood of Liang et al., "Neural Symbolic Machines" (ACL 2017, section 3.3).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from models.chains import Chain, ReadRequest
from models.episodes import MAX_STEPS, Asked, Choice, End, LabelledKey, Manner, PathEpisode, rejection
from models.memory import IntArray
from models.metrics import set_f1
from models.reader import Reader

BEAM = 64
LEAST_F1 = 0.5
"""A chain whose answers fit worse than this explains nothing."""


def gold_episodes(
    reader: Reader, requests: Sequence[ReadRequest], labels: Sequence[str], answers: Sequence[frozenset[str]]
) -> Iterator[PathEpisode | None]:
    """Give for each question the episode of the chain that explains its answers; None where none does.

    A question without answers is one to be rejected at once. `labels` are those of the relations; answers are compared
    without case.
    """
    for request, gold in zip(requests, answers, strict=True):
        if not gold:
            yield _rejected(request, labels)
            continue
        (chains,) = reader.read([request], BEAM, thorough=True)
        wanted = {answer.casefold() for answer in gold}
        scored = [(set_f1([answer.casefold() for answer in _said(request, chain)], wanted), chain) for chain in chains]
        best = max(scored, key=lambda pair: (pair[0], -len(pair[1].steps), pair[1].probability), default=None)
        yield episode_of(request, best[1], labels) if best and best[0] >= LEAST_F1 else None


def episode_of(request: ReadRequest, chain: Chain, labels: Sequence[str]) -> PathEpisode:
    """Give the choices that lead along a chain; keeping to kinds that the words name is none of the network's."""
    reading = request.readings[chain.reading]
    reach, choices = _reach(request, reading.topics, labels), []
    for step in chain.steps:
        is_of_role = step.argument is None and step.use.manner is Manner.KEEP
        if is_of_role or (step.argument is not None and step.argument in (reading.kind, *reading.classes)):
            continue
        is_flag = step.argument is not None and step.argument == reading.flag  # the network reads what it says
        manner = Manner.READ if is_flag else step.use.manner
        choices.append(Choice(reach, _key(request, step.key, labels), manner))
        reach = _keys(request, request.memory.keys_of(step.entities), labels)
    if not chain.is_denied and len(choices) < MAX_STEPS:
        choices.append(Choice(reach, End.STOP))
    return PathEpisode(reading.text, tuple(choices), chain.asked)


def _rejected(request: ReadRequest, labels: Sequence[str]) -> PathEpisode | None:
    if not request.readings:
        return None
    first = request.readings[0]
    return rejection(first.text, _reach(request, first.topics, labels))


def _said(request: ReadRequest, chain: Chain) -> list[str]:
    """Give a chain's answers as they would be shown."""
    entities = chain.steps[-1].entities
    if chain.asked is Asked.WHETHER:
        return ["no" if chain.is_denied else "yes"]
    if chain.asked is Asked.COUNT:
        return [str(len(entities))]
    return [request.memory.label(entity) for entity in entities.tolist()]


def _reach(request: ReadRequest, topics: IntArray, labels: Sequence[str]) -> tuple[LabelledKey, ...]:
    """Give the keys in reach of a reading's topics, or all where it starts from everything."""
    keys = request.memory.keys_of(topics) if len(topics) else np.arange(len(request.keys.profiles), dtype=np.int32)
    return _keys(request, keys, labels)


def _keys(request: ReadRequest, keys: IntArray, labels: Sequence[str]) -> tuple[LabelledKey, ...]:
    return tuple(dict.fromkeys(_key(request, key, labels) for key in keys.tolist()))


def _key(request: ReadRequest, key: int, labels: Sequence[str]) -> LabelledKey:
    profiles = request.keys.profiles
    return LabelledKey(labels[key // 2], key % 2, profiles[key], profiles[key ^ 1])
