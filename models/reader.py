"""Reads answers out of a memory: a beam search over paths, scored by the network.

Each request may hold several readings of one question (which words name the topic, and what they may mean); readings of
all requests are encoded in one batch, and at each hop all live paths are scored in one batch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import checkpoints
from models.batching import KeyTokens, Pieces, TextCutter, Tokeniser, pad
from models.calibration import Calibration
from models.episodes import FORWARD, INVERSE, End
from models.kinds import Kind
from models.memory import FloatArray, IntArray, KeyValueMemory
from models.networks.path_reader import Glimpse, Keys, PathReader, State

NUM_ALTERNATIVES = 5
SMALLEST = 1e-30
FEW_TOPICS = 8
LEAST_WORTH = math.log(100)
"""A path this much (in log) behind the best one at its hop is given up."""


class TokenEncoder(Tokeniser, Protocol):
    """The part of `kb.encoding.StaticEncoder` that a reader needs."""

    @property
    def id(self) -> str:
        """Name of this encoder's exact weights."""
        ...

    def token_table(self) -> NDArray[np.float32]:
        """One vector a token of the vocabulary."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a question: its topic's name replaced by `MENTION`, and the entities the name may mean."""

    text: str
    topics: IntArray
    score: float


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A question's readings, and the memory to read them over; `budget` bounds the facts read a hop."""

    memory: KeyValueMemory
    keys: Keys
    readings: Sequence[Reading]
    max_hops: int
    budget: int


@dataclass(frozen=True, slots=True)
class Step:
    """One hop of a chain: the key read, what else was possible, the words attended to, and where it led."""

    key: int
    probability: float
    alternatives: tuple[tuple[int, float], ...]
    attention: tuple[tuple[str, float], ...]
    entities: IntArray
    weights: FloatArray
    facts: IntArray
    facts_read: int


@dataclass(frozen=True, slots=True)
class Chain:
    """A path from a reading's topics to answers; `probability` is the network's, without the linking score."""

    reading: int
    steps: tuple[Step, ...]
    probability: float
    rejected: float


@dataclass(frozen=True, slots=True)
class _Path:
    """A live path of the search: where it stands, and what it is worth with its reading's score."""

    reading: int
    row: int  # of its reading among all texts
    parent: int  # its row in the last look
    entities: IntArray
    weights: FloatArray
    steps: tuple[Step, ...]
    log_probability: float
    rejected: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A key that a path may read next."""

    path: _Path
    row: int  # the path's row in this look
    key: int
    probability: float
    worth: float
    ranked: tuple[tuple[int, float], ...]
    rejected: float


class Reader:
    """A network and its search; immutable once made, so threads may share it."""

    def __init__(
        self,
        network: PathReader,
        cutter: TextCutter,
        name: str,
        calibration: Calibration = Calibration(),  # noqa: B008
    ) -> None:
        self._network = network.eval()
        self._cutter = cutter
        self.name = name
        self.calibration = calibration

    @classmethod
    def load(cls, checkpoint: Path | None = None, *, encoder: TokenEncoder) -> Self:
        """Open a checkpoint; the shipped one if none is named.

        Raises:
            CheckpointUnusable: it is missing, broken, or made for another encoder.
        """
        path = checkpoint or checkpoints.DEFAULT_CHECKPOINT
        network = checkpoints.load(path, torch.tensor(encoder.token_table()), encoder.id)
        calibration = checkpoints.read_info(path).calibration
        return cls(network, TextCutter(encoder, network.config.max_tokens), checkpoints.name_of(path), calibration)

    @property
    def max_hops(self) -> int:
        """The longest path that the network was trained for."""
        return self._network.config.max_hops

    @property
    def masks_topics(self) -> bool:
        """Whether a path never returns to its topics."""
        return self._network.config.mask_topic

    @torch.inference_mode()
    def key_vectors(self, relation_labels: Sequence[str], kinds: Sequence[Kind] | None = None) -> Keys:
        """Encode a knowledge base's relations: row `2 * relation + direction`; keep it while labels and kinds hold.

        `kinds` has one for each row, of the entities that the key leads to; unknown where it is not given.
        """
        count = len(relation_labels)
        if count == 0:
            return Keys(torch.empty(0, self._network.config.dim), torch.empty(0, self._network.config.word_dim))
        labels = self._network.encode_labels(pad(self._cutter.cut(relation_labels)))
        rows, directions = torch.arange(count).repeat_interleave(2), torch.tensor([FORWARD, INVERSE]).repeat(count)
        kinds = kinds or [Kind.UNKNOWN] * (2 * count)
        return self._network.keys(labels, KeyTokens(rows, directions, torch.tensor(list(kinds))))

    @torch.inference_mode()
    def read(self, requests: Sequence[ReadRequest], beam: int = 4) -> list[list[Chain]]:
        """Find the best `beam` chains of each request, best first by probability times the reading's score.

        A request without readings, or whose topics have no facts, has no chain.
        """
        if not any(request.readings for request in requests):
            return [[] for _ in requests]
        texts = self._cutter.cut([reading.text for request in requests for reading in request.readings])
        question = self._network.encode_questions(pad(texts))
        state = self._network.begin(question)
        searches, row = [], 0
        for request in requests:
            searches.append(_Search(request, beam, self._network.config.mask_topic, texts, row))
            row += len(request.readings)
        glimpse: Glimpse | None = None
        for hop in range(max(request.max_hops for request in requests)):
            live = [path for search in searches for path in search.live]
            if not live:
                break
            if glimpse is not None:
                parents = torch.tensor([path.parent for path in live])
                question = question.rows(parents)
                state = self._advance(state, glimpse, parents, searches)
            glimpse = self._network.look(question, state)
            scores = self._scores(glimpse, searches)
            attention, first = glimpse.attention.numpy(), 0
            for search, rows in zip(searches, scores, strict=True):
                search.hop(hop, first, rows, attention)
                first += len(rows)
        return [search.best() for search in searches]

    def _advance(self, state: State, glimpse: Glimpse, parents: Tensor, searches: Sequence["_Search"]) -> State:
        read = [search.request.keys.vectors[search.last_keys()] for search in searches if search.live]
        before = State(state.vector[parents], state.spent[parents])
        return self._network.advance(before, glimpse.rows(parents), torch.cat(read))

    def _scores(self, glimpse: Glimpse, searches: Sequence["_Search"]) -> list[FloatArray]:
        """Score the keys of each search's memory for its live paths; searches that share keys go together."""
        scores: list[FloatArray] = [np.empty((0, 0), np.float32)] * len(searches)
        shared: dict[int, list[int]] = {}
        first, starts = 0, []
        for number, search in enumerate(searches):
            starts.append(first)
            first += len(search.live)
            if search.live:
                shared.setdefault(id(search.request.keys), []).append(number)
        for numbers in shared.values():
            rows = torch.tensor([starts[n] + at for n in numbers for at in range(len(searches[n].live))])
            part = glimpse if len(rows) == first else glimpse.rows(rows)
            scored, done = self._network.score(part, searches[numbers[0]].request.keys).numpy(), 0
            for number in numbers:
                scores[number] = scored[done : done + len(searches[number].live)]
                done += len(searches[number].live)
        return scores


class _Search:
    """The beam of one request."""

    def __init__(self, request: ReadRequest, beam: int, mask_topic: bool, texts: Sequence[Pieces], row: int) -> None:
        self.request = request
        self._beam = beam
        self._mask_topic = mask_topic
        self._texts = texts
        self._chains: list[Chain] = []
        self._best_worth = -math.inf
        self.live = [
            _Path(at, row + at, row + at, reading.topics, np.ones(len(reading.topics), np.float32), (), 0.0, 0.0)
            for at, reading in enumerate(request.readings)
            if request.max_hops > 0
        ]

    def last_keys(self) -> list[int]:
        """Keys read last, one a live path."""
        return [path.steps[-1].key for path in self.live]

    def best(self) -> list[Chain]:
        """The chains found, best first."""
        ranked = sorted(self._chains, key=self._worth, reverse=True)
        return ranked[: self._beam]

    def _worth(self, chain: Chain) -> float:
        return chain.probability * self.request.readings[chain.reading].score

    def hop(self, hop: int, first: int, scores: FloatArray, attention: FloatArray) -> None:
        """Move every live path along its best keys; `first` is the row of the first one in `attention`."""
        candidates: list[_Candidate] = []
        for at, path in enumerate(self.live):
            candidates.extend(self._candidates(hop, path, first + at, scores[at]))
        candidates.sort(key=lambda candidate: -candidate.worth)
        self.live = []
        is_last = hop + 1 == self.request.max_hops
        for candidate in candidates:
            least = max(candidates[0].worth - LEAST_WORTH, self._best_worth)
            if candidate.worth < least or len(self.live) == self._beam:
                break
            moved = self._follow(hop, candidate, attention[candidate.row])
            if moved is None:
                continue
            if is_last:
                self._end(moved, moved.log_probability)
            else:
                self.live.append(moved)

    def _candidates(self, hop: int, path: _Path, row: int, scores: FloatArray) -> list[_Candidate]:
        reach = self.request.memory.keys_of(path.entities)
        num_keys = len(scores) - len(End)
        if len(reach) == 0 and hop == 0:
            return []
        ends = [num_keys + End.REJECT] if hop == 0 else [num_keys + End.REJECT, num_keys + End.STOP]
        logits = scores[np.concatenate([reach, ends])]
        shifted = np.exp(logits - logits.max())
        probabilities = shifted / shifted.sum()
        if hop > 0:
            self._end(path, path.log_probability + math.log(max(probabilities[-1], SMALLEST)))
        keys = probabilities[: len(reach)]
        best = np.argsort(-keys, kind="stable")[: max(self._beam, NUM_ALTERNATIVES + 1)]
        ranked = tuple(zip(reach[best].tolist(), keys[best].tolist(), strict=True))
        rejected = float(probabilities[len(reach)]) if hop == 0 else path.rejected
        base = path.log_probability + math.log(max(self.request.readings[path.reading].score, SMALLEST))
        return [
            _Candidate(path, row, key, chance, base + math.log(max(chance, SMALLEST)), ranked, rejected)
            for key, chance in ranked[: self._beam]
        ]

    def _follow(self, hop: int, candidate: _Candidate, attention: FloatArray) -> _Path | None:
        """Move a path along a key; None where that leads nowhere."""
        path = candidate.path
        reached = self.request.memory.follow(path.entities, path.weights, candidate.key, self.request.budget)
        entities, weights, facts = reached.entities, reached.weights, reached.facts
        if hop > 0 and self._mask_topic:
            kept = _without(entities, self.request.readings[path.reading].topics)
            entities, weights, facts = entities[kept], weights[kept], facts[kept]
        if len(entities) == 0:
            return None
        weights = weights / weights.sum()
        others = tuple(pair for pair in candidate.ranked if pair[0] != candidate.key)[:NUM_ALTERNATIVES]
        words = _by_word(self._texts[path.row], attention)
        step = Step(candidate.key, candidate.probability, others, words, entities, weights, facts, reached.facts_read)
        log_probability = path.log_probability + math.log(max(candidate.probability, SMALLEST))
        return _Path(
            path.reading,
            path.row,
            candidate.row,
            entities,
            weights,
            (*path.steps, step),
            log_probability,
            candidate.rejected,
        )

    def _end(self, path: _Path, log_probability: float) -> None:
        """Keep a chain; a path that is worth less already can only lead to a worse one, and is not gone on with."""
        chain = Chain(path.reading, path.steps, math.exp(log_probability), path.rejected)
        self._chains.append(chain)
        self._best_worth = max(self._best_worth, math.log(max(self._worth(chain), SMALLEST)))


def _without(entities: IntArray, topics: IntArray) -> NDArray[np.bool_]:
    """Say which entities are no topics; topics are few."""
    if len(topics) > FEW_TOPICS:
        return np.isin(entities, topics, invert=True)
    kept = np.ones(len(entities), np.bool_)
    for topic in topics.tolist():
        kept &= entities != topic
    return kept


def _by_word(text: Pieces, attention: FloatArray) -> tuple[tuple[str, float], ...]:
    """Sum attention over the tokens of each word; the start has none."""
    spent = [0.0] * len(text.words)
    for piece, weight in zip(text.pieces, attention.tolist(), strict=False):
        if piece.word >= 0:
            spent[piece.word] += weight
    return tuple(zip(text.words, spent, strict=True))
