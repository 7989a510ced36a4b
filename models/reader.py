"""Reads answers out of a memory: a beam search over paths, scored by the network.

Each request may hold several readings of one question (which words name the topic, and what they may mean); readings of
all requests are encoded in one batch, and at each hop all live paths are scored in one batch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models import checkpoints
from models.calibration import Calibration
from models.episodes import End
from models.kinds import Kind
from models.memory import FloatArray, IntArray, KeyValueMemory
from models.networks.path_inference import Glimpse, Keys, PathInference, State
from models.texts import Pieces, TextCutter, TokenEncoder, pad_arrays

LongArray = NDArray[np.int64]

NUM_ALTERNATIVES = 5
SMALLEST = 1e-30
FEW_TOPICS = 8
LEAST_WORTH = math.log(100)
"""A path this much (in log) behind the best one at its hop is given up."""
LEADING = 0.6
"""Readings with at least this share of the best one's score are read first."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a question: its topic's name replaced by `MENTION`, and the entities the name may mean."""

    text: str
    topics: IntArray
    score: float


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A question's readings, best first, and the memory to read them over; `budget` bounds the facts read a hop."""

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
    text: Pieces
    token_attention: FloatArray
    entities: IntArray
    weights: FloatArray
    facts: IntArray
    facts_read: int

    @property
    def attention(self) -> tuple[tuple[str, float], ...]:
        """The words of the question, each with the attention of its tokens; what the start got is left out."""
        spent = [0.0] * len(self.text.words)
        for piece, weight in zip(self.text.pieces, self.token_attention.tolist(), strict=False):
            if piece.word >= 0:
                spent[piece.word] += weight
        return tuple(zip(self.text.words, spent, strict=True))


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
    text: Pieces
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
        network: PathInference,
        cutter: TextCutter,
        name: str,
        calibration: Calibration = Calibration(),  # noqa: B008
    ) -> None:
        self._network = network
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
        info, weights = checkpoints.load(path, encoder.id)
        try:
            network = PathInference(info.config, weights, encoder.token_table())
        except (KeyError, ValueError) as error:
            raise checkpoints.CheckpointUnusable(path, f"its weights do not fit its description: {error}") from error
        return cls(network, TextCutter(encoder, info.config.max_tokens), checkpoints.name_of(path), info.calibration)

    @property
    def max_hops(self) -> int:
        """The longest path that the network was trained for."""
        return self._network.config.max_hops

    @property
    def masks_topics(self) -> bool:
        """Whether a path never returns to its topics."""
        return self._network.config.mask_topic

    def key_vectors(self, relation_labels: Sequence[str], kinds: Sequence[Kind] | None = None) -> Keys:
        """Encode a knowledge base's relations: row `2 * relation + direction`; keep it while labels and kinds hold.

        `kinds` has one for each row, of the entities that the key leads to; unknown where it is not given.
        """
        labels = pad_arrays(self._cutter.cut(relation_labels or [""]))  # without relations: one that nothing reaches
        return self._network.encode_keys(labels, kinds or [Kind.UNKNOWN] * (2 * len(labels.ids)))

    def read(self, requests: Sequence[ReadRequest], beam: int = 4) -> list[list[Chain]]:
        """Find the best `beam` chains of each request, best first by probability times the reading's score.

        Readings much less likely than the first are read only where they could still win: a chain is never worth more
        than its reading's score. A request without readings, or whose topics have no facts, has no chain.
        """
        leading = [range(_num_leading(request.readings)) for request in requests]
        found = self._search(requests, leading, beam)
        open_ = [
            number
            for number, request in enumerate(requests)
            if len(leading[number]) < len(request.readings)
            and _best_worth(request, found[number]) < request.readings[len(leading[number])].score
        ]
        rest = [range(len(leading[number]), len(requests[number].readings)) for number in open_]
        for number, more in zip(open_, self._search([requests[n] for n in open_], rest, beam), strict=True):
            worth = partial(_worth, requests[number])
            found[number] = sorted([*found[number], *more], key=worth, reverse=True)[:beam]
        return found

    def _search(self, requests: Sequence[ReadRequest], readings: Sequence[range], beam: int) -> list[list[Chain]]:
        """Search from some readings of each request, all together."""
        given = [request.readings[at].text for request, ats in zip(requests, readings, strict=True) for at in ats]
        if not given:
            return [[] for _ in requests]
        texts = self._cutter.cut(given)
        question = self._network.encode_questions(pad_arrays(texts))
        state = self._network.begin(question)
        searches, done = [], 0
        for request, ats in zip(requests, readings, strict=True):
            searches.append(_Search(request, ats, beam, self.masks_topics, texts[done : done + len(ats)]))
            done += len(ats)
        glimpse: Glimpse | None = None
        for hop in range(max(request.max_hops for request in requests)):
            live = [path for search in searches for path in search.live]
            if not live:
                break
            if glimpse is not None:
                parents = np.array([path.parent for path in live])
                question = question.rows(parents)
                state = self._advance(state, glimpse, parents, searches)
            glimpse = self._network.look(question, state)
            scores = self._scores(glimpse, searches)
            first = 0
            for search, rows in zip(searches, scores, strict=True):
                search.hop(hop, first, rows, glimpse.attention)
                first += len(rows)
        return [search.best() for search in searches]

    def _advance(self, state: State, glimpse: Glimpse, parents: LongArray, searches: Sequence["_Search"]) -> State:
        read = [search.request.keys.updates[search.last_keys()] for search in searches if search.live]
        before = State(state.vector[parents], state.spent[parents])
        return self._network.advance(before, glimpse.rows(parents), np.concatenate(read))

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
            rows = np.array([starts[n] + at for n in numbers for at in range(len(searches[n].live))])
            part = glimpse if len(rows) == first else glimpse.rows(rows)
            scored, done = self._network.score(part, searches[numbers[0]].request.keys), 0
            for number in numbers:
                scores[number] = scored[done : done + len(searches[number].live)]
                done += len(searches[number].live)
        return scores


class _Search:
    """The beam of one request, from some of its readings."""

    def __init__(
        self, request: ReadRequest, readings: range, beam: int, mask_topic: bool, texts: Sequence[Pieces]
    ) -> None:
        self.request = request
        self._beam = beam
        self._mask_topic = mask_topic
        self._chains: list[Chain] = []
        self._best_worth = -math.inf
        self.live = [
            _Path(at, text, 0, topics, np.ones(len(topics), np.float32), (), 0.0, 0.0)
            for at, text, topics in zip(readings, texts, [request.readings[at].topics for at in readings], strict=True)
            if request.max_hops > 0
        ]

    def last_keys(self) -> list[int]:
        """Keys read last, one a live path."""
        return [path.steps[-1].key for path in self.live]

    def best(self) -> list[Chain]:
        """The chains found, best first."""
        ranked = sorted(self._chains, key=partial(_worth, self.request), reverse=True)
        return ranked[: self._beam]

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
        step = Step(
            candidate.key,
            candidate.probability,
            others,
            path.text,
            attention,
            entities,
            weights,
            facts,
            reached.facts_read,
        )
        log_probability = path.log_probability + math.log(max(candidate.probability, SMALLEST))
        return _Path(
            path.reading,
            path.text,
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
        self._best_worth = max(self._best_worth, math.log(max(_worth(self.request, chain), SMALLEST)))


def _num_leading(readings: Sequence[Reading]) -> int:
    """How many readings are read at once: those almost as likely as the first."""
    return sum(reading.score >= LEADING * readings[0].score for reading in readings)


def _worth(request: ReadRequest, chain: Chain) -> float:
    return chain.probability * request.readings[chain.reading].score


def _best_worth(request: ReadRequest, chains: Sequence[Chain]) -> float:
    return _worth(request, chains[0]) if chains else 0.0


def _without(entities: IntArray, topics: IntArray) -> NDArray[np.bool_]:
    """Say which entities are no topics; topics are few."""
    if len(topics) > FEW_TOPICS:
        return np.isin(entities, topics, invert=True)
    kept = np.ones(len(entities), np.bool_)
    for topic in topics.tolist():
        kept &= entities != topic
    return kept
