"""Reads answers out of a memory: the network and the search over paths (`models.search`), for many questions at once.

Each request may hold several readings of one question (what it names, and what the names may mean); readings of all
requests are encoded in one batch, and at each hop all live paths are scored in one batch.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models import checkpoints
from models.abbreviations import unabbreviated
from models.calibration import Calibration
from models.chains import Chain, Reading, ReadRequest
from models.episodes import MAX_STEPS
from models.first_looks import FirstLooks, glimpses_of, questions_of
from models.memory import FloatArray
from models.networks.path_inference import Glimpse, Keys, PathInference, State
from models.profiles import Profile, called
from models.search import Search, worth
from models.texts import TextCutter, TokenEncoder

LongArray = NDArray[np.int64]

LEADING = 0.6
"""Readings with at least this share of the best one's score are read first."""


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
        self._looks = FirstLooks(network, cutter)
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

    def key_vectors(
        self, relation_labels: Sequence[str], profiles: Sequence[Profile] | None = None, known: Keys | None = None
    ) -> Keys:
        """Encode a knowledge base's relations: row `2 * relation + direction`; keep it while labels and profiles hold.

        `profiles` has one for each row, of the entities that the key leads to; unknown where it is not given. What this
        reader made before of the same labels, `known`, is encoded again only where profiles are others.
        """
        if known is not None and profiles is not None and known.labels == tuple(relation_labels):
            return self._changed(known, profiles)
        texts = self._cutter.cut(
            [*map(unabbreviated, relation_labels)] or [""]
        )  # without relations: one that nothing reaches
        labels = self._cutter.pad(texts)
        profiles = profiles or [Profile()] * (2 * len(labels.ids))
        sides = [(profile, profiles[key ^ 1]) for key, profile in enumerate(profiles)]
        keys = self._network.encode_keys(labels, profiles, self._cutter.key_vectors(sides))
        called_so = called(relation_labels, profiles[: 2 * len(relation_labels) : 2])
        return keys._replace(labels=tuple(relation_labels) or ("",), called=called_so)

    def _changed(self, known: Keys, profiles: Sequence[Profile]) -> Keys:
        sides = [(profiles[place], profiles[place + 1]) for place in range(0, len(profiles), 2)]
        changed = [number for number, side in enumerate(sides) if side != known.profiles[2 * number : 2 * number + 2]]
        if not changed:
            return known
        fresh = self.key_vectors(
            [known.labels[number] for number in changed], [profile for number in changed for profile in sides[number]]
        )
        return known.with_relations(changed, fresh)._replace(called=called(known.labels, profiles[::2]))

    def read(self, requests: Sequence[ReadRequest], beam: int = 4, *, thorough: bool = False) -> list[list[Chain]]:
        """Find the best `beam` chains of each request, best first by probability times the reading's score.

        Readings much less likely than the first are read only where they could still win: a chain is never worth more
        than its reading's score. A request without readings, or whose topics have no facts, has no chain. A `thorough`
        search gives up no path for being unlikely.
        """
        if thorough:
            return self._search(requests, [range(len(request.readings)) for request in requests], beam, thorough=True)
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
            found[number] = sorted([*found[number], *more], key=partial(worth, requests[number]), reverse=True)[:beam]
        return found

    def _search(
        self, requests: Sequence[ReadRequest], readings: Sequence[range], beam: int, *, thorough: bool = False
    ) -> list[list[Chain]]:
        """Search from some readings of each request, all together."""
        given = [request.readings[at].text for request, ats in zip(requests, readings, strict=True) for at in ats]
        if not given:
            return [[] for _ in requests]
        looks = dict(zip(given, self._looks.of(given), strict=True))
        width = max(look.width for look in looks.values())
        searches = [Search(request, beam, self.masks_topics, thorough=thorough) for request in requests]
        for search, ats in zip(searches, readings, strict=True):
            for at in ats:
                look = looks[search.request.readings[at].text]
                search.begin(at, look.pieces, look.asked)
        state: State | None = None
        glimpse: Glimpse | None = None
        for hop in range(MAX_STEPS):
            live = [(search, path) for search in searches for path in search.live]
            if not live:
                break
            seen = [looks[search.request.readings[path.reading].text] for search, path in live]
            manners = sorted({manner for search in searches for manner in search.manners(hop)})
            if glimpse is None:
                glimpse = glimpses_of(seen, width, manners)
            else:
                parents = np.array([path.parent for _, path in live])
                question = questions_of(seen, width)
                state = self._network.begin(question) if state is None else state.rows(parents)
                state = self._advance(state, glimpse.rows(parents), searches)
                glimpse = self._network.look(question, state, manners)
            first = 0
            for search, rows in zip(searches, self._scores(glimpse, searches), strict=True):
                search.hop(hop, first, rows, glimpse)
                first += len(rows)
        return [search.best() for search in searches]

    def _advance(self, state: State, glimpse: Glimpse, searches: Sequence[Search]) -> State:
        uses = [(search, path.steps[-1].use) for search in searches for path in search.live]
        updates = np.stack([search.request.keys.updates[use.key] for search, use in uses])
        return self._network.advance(state, glimpse, updates, np.array([use.manner for _, use in uses], np.int64))

    def _scores(self, glimpse: Glimpse, searches: Sequence[Search]) -> list[FloatArray]:
        """Score the keys of each search's memory for its live paths; searches that share keys go together."""
        scores: list[FloatArray] = [np.empty((0, 0, 0), np.float32)] * len(searches)
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


def _num_leading(readings: Sequence[Reading]) -> int:
    """How many readings are read at once: those almost as likely as the first."""
    return sum(reading.score >= LEADING * readings[0].score for reading in readings)


def _best_worth(request: ReadRequest, chains: Sequence[Chain]) -> float:
    return worth(request, chains[0]) if chains else 0.0
