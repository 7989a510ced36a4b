"""The path reader's equations in numpy, for reading: the same network as `path_reader`, without torch.

A question is a few rows of small matrices, where torch's cost for each operation is most of the time and its import
most of a service's memory. Training and every definition stay with torch; tests hold the two equal. What a question
does not change is computed once: a token's projections when it is first seen, a key's part of the state's update.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.episodes import End, Manner
from models.kinds import Kind
from models.networks.path_config import PathReaderConfig
from models.profiles import Profile
from models.texts import WORD, TokenArrays

FloatArray = NDArray[np.float32]
LongArray = NDArray[np.int64]
Weights = Mapping[str, FloatArray]

LAYER_NORM_EPSILON = np.float32(1e-5)  # torch's default
LEAST_LENGTH = np.float32(1e-12)  # torch's default of functional.normalize
HIDDEN = np.float32(-1e30)
GELU = [np.float32(c) for c in (0.79782814, 0.03646879, -1.2485888e-4, -3.0581569e-5, 1.1191154e-6)]
"""Gaussian error linear unit as x/2 (1 + tanh(x p(x^2))); fitted here, off by 3.5e-6 at most over all numbers."""


class Question(NamedTuple):
    """Encoded questions."""

    words: FloatArray  # batch tokens dim
    energies: FloatArray  # batch tokens dim: W_h h_i + b, used at each hop
    static: FloatArray  # batch tokens word_dim
    hidden: FloatArray  # batch tokens: 0 where a token is present, very small where not
    asked: FloatArray  # batch asked: probabilities

    def rows(self, index: LongArray) -> "Question":
        """Give the questions at `index`, in that order."""
        return Question(*(part[index] for part in self))


class Keys(NamedTuple):
    """Encoded keys: relations read in one direction."""

    vectors: FloatArray  # keys dim
    matched: FloatArray  # dim keys: what queries are multiplied with
    overlap: FloatArray  # (1+parts)*word_dim keys: what the words looked at are multiplied with
    updates: FloatArray  # keys 3*dim: the key's part of the state's update
    profiles: tuple[Profile, ...]  # of what each key leads to
    kinds: tuple[Kind, ...]  # those of the profiles
    labels: tuple[str, ...] = ()  # of the relations
    called: Mapping[str, frozenset[int]] = {}  # the relations that lead to names with a noun: museum

    def with_relations(self, numbers: Sequence[int], keys: "Keys") -> "Keys":
        """Give these keys with those of some relations in their places."""
        places = [2 * number + direction for number in numbers for direction in (0, 1)]
        vectors, matched, overlap, updates = (part.copy() for part in self[:4])
        vectors[places], updates[places] = keys.vectors, keys.updates
        matched[:, places], overlap[:, places] = keys.matched, keys.overlap
        told = dict(zip(places, keys.profiles, strict=True))
        profiles = tuple(told.get(place, profile) for place, profile in enumerate(self.profiles))
        kinds = tuple(profile.kind for profile in profiles)
        return Keys(vectors, matched, overlap, updates, profiles, kinds, self.labels)


class State(NamedTuple):
    """What was read so far."""

    vector: FloatArray  # batch dim
    spent: FloatArray  # batch tokens

    def rows(self, index: LongArray) -> "State":
        """Give the states at `index`, in that order."""
        return State(self.vector[index], self.spent[index])


class Glimpse(NamedTuple):
    """One look at the question."""

    attention: FloatArray  # batch tokens
    query: FloatArray  # batch manners dim
    looked: FloatArray  # batch (1+parts)*word_dim
    biases: FloatArray  # batch manners
    ends: FloatArray  # batch ends
    manners: tuple[Manner, ...]  # those looked for

    def rows(self, index: LongArray) -> "Glimpse":
        """Give the looks at `index`, in that order."""
        parts = (self.attention, self.query, self.looked, self.biases, self.ends)
        attention, query, looked, biases, ends = (part[index] for part in parts)
        return Glimpse(attention, query, looked, biases, ends, self.manners)


class _Linear:
    """A linear map; its weights transposed once, for rows times columns."""

    def __init__(self, weights: Weights, name: str, norm: str | None = None) -> None:
        weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias", np.float32(0))
        if norm is not None:  # the gain and bias of the layer norm before it are part of this map
            bias = bias + weight @ weights[f"{norm}.bias"]
            weight = weight * weights[f"{norm}.weight"]
        self._weight: FloatArray = np.ascontiguousarray(weight.T)
        self._bias = bias

    def __call__(self, rows: FloatArray) -> FloatArray:
        product: FloatArray = rows @ self._weight
        product += self._bias
        return product


class _Layer:
    """One pre-norm transformer layer over rows: one row a token, text after text."""

    def __init__(self, weights: Weights, name: str, heads: int) -> None:
        self._heads = heads
        self._inputs = _Linear(weights, f"{name}.inputs", f"{name}.norm_attention")
        self._output = _Linear(weights, f"{name}.output")
        self._widen = _Linear(weights, f"{name}.widen", f"{name}.norm_feedforward")
        self._narrow = _Linear(weights, f"{name}.narrow")

    def __call__(self, rows: FloatArray, hidden: FloatArray) -> FloatArray:
        batch, tokens = hidden.shape
        size = rows.shape[1] // self._heads
        mixed = self._inputs(_standard(rows)).reshape(batch, tokens, 3, self._heads, size)
        query, key, value = mixed.transpose(2, 0, 3, 1, 4)  # each: batch heads tokens size
        energies = query @ key.transpose(0, 1, 3, 2)
        energies *= np.float32(1 / math.sqrt(size))
        energies += hidden[:, None, None, :]
        read = (_softmax(energies) @ value).transpose(0, 2, 1, 3).reshape(rows.shape)
        rows = rows + self._output(read)
        rows += self._narrow(_gelu(self._widen(_standard(rows))))
        return rows


class _TokenVectors:
    """What single tokens bring along, computed when they are first seen; safe to use from several threads."""

    def __init__(self, config: PathReaderConfig, weights: Weights, table: FloatArray) -> None:
        self._table = table
        self._inputs, self.metric = _Linear(weights, "inputs"), _Linear(weights, "metric")
        self._nothing = len(table)  # the row of what is no word
        self._is_known = np.zeros(len(table) + 1, np.bool_)
        self._projected = np.zeros((len(table) + 1, config.dim), np.float32)  # untouched pages take no memory
        self._static = np.zeros((len(table) + 1, config.word_dim), np.float32)
        self._projected[-1] = weights["inputs.bias"]
        self._is_known[-1] = True

    def of(self, tokens: TokenArrays) -> tuple[FloatArray, FloatArray]:
        """Projected and static vectors of texts: batch tokens dim, batch tokens word_dim."""
        ids = np.where(tokens.present & (tokens.marks == WORD), tokens.ids, self._nothing)
        is_new = ~self._is_known[ids]
        if is_new.any():
            self._learn(np.unique(ids[is_new]))
        return self._projected[ids], self._static[ids]

    def _learn(self, new: LongArray) -> None:
        static = self._table[new]
        self._projected[new] = self._inputs(_unit(static))
        self._static[new] = static + self.metric(static)
        self._is_known[new] = True


class PathInference:
    """A trained path reader, ready to read; threads may share it."""

    def __init__(self, config: PathReaderConfig, weights: Weights, table: FloatArray) -> None:
        """Take the arrays of a `PathReader`'s state and the encoder's token table (vocab, word_dim)."""
        self.config = config
        self._tokens = _TokenVectors(config, weights, table)
        self._context = _Linear(weights, "context")
        self._layers = [_Layer(weights, f"layers.{number}", config.heads) for number in range(config.layers)]
        self._marks = weights["marks.weight"] + weights["texts.weight"][:, None]  # texts marks dim
        self._distances = weights["distances.weight"]
        self._positions = weights["positions.weight"]
        self._values = weights["values.weight"]
        self._norm = _Norm(weights, "norm")
        self._attend_words = _Linear(weights, "attend_words")
        self._directions = [_Perceptron(weights, f"directions.{number}") for number in range(2)]
        self._norm_key = _Norm(weights, "norm_key")
        self._start = weights["start"]
        self._attend_state = _Linear(weights, "attend_state")
        self._attend_spent = weights["attend_spent"]
        self._attend = _Linear(weights, "attend")
        self._heads = _Heads(weights)
        self._norm_query = _Norm(weights, "norm_query")
        self._overlap = np.concatenate([weights["overlap"][None], weights["profile_overlap"]])  # 1+parts overlaps
        self._profile = _Linear(weights, "profile")
        self._say = _Linear(weights, "say")
        self._update_input = _Linear(
            {"update.weight": weights["update.weight_ih"], "update.bias": weights["update.bias_ih"]}, "update"
        )
        self._manner_updates = weights["used.weight"] @ weights["update.weight_ih"].T
        self._asked = _Linear(weights, "asked")
        self._update_state = _Linear(
            {"update.weight": weights["update.weight_hh"], "update.bias": weights["update.bias_hh"]}, "update"
        )

    def encode_questions(self, tokens: TokenArrays) -> Question:
        """Encode questions once for all hops."""
        words, static, hidden = self._encode(tokens, 0, self.config.layers)
        batch, width = hidden.shape
        energies = self._attend_words(words)
        words = words.reshape(batch, width, -1)
        return Question(words, energies.reshape(batch, width, -1), static, hidden, _softmax(self._asked(words[:, 0])))

    def encode_keys(self, labels: TokenArrays, profiles: Sequence[Profile], vectors: FloatArray) -> Keys:
        """Encode relations by their labels: key `2 * relation + direction`; a profile for each key, and its vectors.

        `vectors` (keys, parts, word_dim) are those of `TextCutter.key_vectors`.
        """
        words, static, _ = self._encode(labels, 1, self.config.label_layers)
        batch, width = labels.present.shape
        present = labels.present[..., None]
        pooled = (words.reshape(batch, width, -1) * present).sum(1) / present.sum(1, dtype=np.float32)
        said = 2 * _sigmoid(self._say(words)).reshape(batch, width, 1)
        overlap = _unit((said * present * static).sum(1)).repeat(2, axis=0)
        both = pooled.repeat(2, axis=0)  # keys dim
        kinds = tuple(profile.kind for profile in profiles)
        mixed = both + self._values[np.array(kinds, np.int64)] + self._profile(vectors.reshape(len(both), -1))
        turned = np.empty_like(mixed)
        for direction, turn in enumerate(self._directions):
            turned[direction::2] = turn(mixed[direction::2])
        static = np.concatenate([overlap, *_unit(vectors + self._tokens.metric(vectors)).swapaxes(0, 1)], 1)
        keys = self._norm_key(both + turned)
        matched = np.ascontiguousarray((keys * np.float32(1 / math.sqrt(self.config.dim))).T)
        return Keys(keys, matched, np.ascontiguousarray(static.T), self._update_input(keys), tuple(profiles), kinds)

    def begin(self, question: Question) -> State:
        """Give the state before the first hop."""
        batch = len(question.words)
        return State(self._start[None].repeat(batch, 0), np.zeros_like(question.hidden))

    def look(self, question: Question, state: State, manners: Sequence[Manner] = tuple(Manner)) -> Glimpse:
        """Attend to the question given what was read so far, for keys used in some manners."""
        mixed = question.energies + self._attend_state(state.vector)[:, None]
        if state.spent.any():
            mixed += state.spent[..., None] * self._attend_spent
        energies = self._attend(np.tanh(mixed, out=mixed)).transpose(0, 2, 1)  # batch overlaps tokens
        attentions = _softmax(energies + question.hidden[:, None])
        attention = attentions[:, 0]
        read = np.concatenate([(attention[:, None] @ question.words)[:, 0], state.vector], 1)
        static = _unit(attentions @ question.static)  # batch overlaps word_dim
        looked = (self._overlap @ static).reshape(len(static), -1)
        queries, ends = self._heads(read, manners)
        biases = ends[:, len(End) :][:, manners]
        return Glimpse(attention, self._norm_query(queries), looked, biases, ends[:, : len(End)], tuple(manners))

    def score(self, glimpse: Glimpse, keys: Keys) -> FloatArray:
        """Score every key in every manner looked for: batch manners keys."""
        scores: FloatArray = glimpse.query @ keys.matched
        scores += (glimpse.looked @ keys.overlap)[:, None]
        scores += glimpse.biases[..., None]
        return scores

    def advance(self, state: State, glimpse: Glimpse, updates: FloatArray, manners: LongArray) -> State:
        """Update the state with the keys used; `updates` has the row of `Keys.updates` for each question."""
        dim = self.config.dim
        own = self._update_state(state.vector)
        updates = updates + self._manner_updates[manners]
        gates = _sigmoid(updates[:, : 2 * dim] + own[:, : 2 * dim])
        reset, update = gates[:, :dim], gates[:, dim:]
        new = np.tanh(updates[:, 2 * dim :] + reset * own[:, 2 * dim :])
        return State(new + update * (state.vector - new), state.spent + glimpse.attention)

    def _encode(self, tokens: TokenArrays, text: int, layers: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Encode texts: words (one row a token), static vectors (batch tokens word_dim), and what is hidden."""
        reach = self.config.max_distance
        words, static = self._tokens.of(tokens)
        words += self._context(_standard(tokens.states))
        words += self._marks[text][tokens.marks]
        words += self._distances[tokens.distances.clip(-reach, reach) + reach]
        words += self._positions[: words.shape[1]]
        rows = words.reshape(-1, self.config.dim)
        hidden = np.where(tokens.present, np.float32(0), HIDDEN)
        for layer in self._layers[:layers]:
            rows = layer(rows, hidden)
        return self._norm(rows), static, hidden


class _Norm:
    """A layer norm with its gain and bias."""

    def __init__(self, weights: Weights, name: str) -> None:
        self._gain, self._bias = weights[f"{name}.weight"], weights[f"{name}.bias"]

    def __call__(self, rows: FloatArray) -> FloatArray:
        normal = _standard(rows)
        normal *= self._gain
        normal += self._bias
        return normal


class _Perceptron:
    """Two linear maps with a Gaussian error linear unit between them."""

    def __init__(self, weights: Weights, name: str) -> None:
        self._first, self._second = _Linear(weights, f"{name}.0"), _Linear(weights, f"{name}.2")

    def __call__(self, rows: FloatArray) -> FloatArray:
        return self._second(_gelu(self._first(rows)))


class _Heads:
    """The perceptrons of the queries and of the ends, whose first maps have the same input, as one."""

    def __init__(self, weights: Weights) -> None:
        heads = ("query", "query_manners", "ends")
        joined = {
            f"first.{part}": np.concatenate([weights[f"{head}.0.{part}"] for head in heads])
            for part in ("weight", "bias")
        }
        self._first = _Linear(joined, "first")
        self._query, self._ends = _Linear(weights, "query.2"), _Linear(weights, "ends.2")
        self._parts = {part: np.split(weights[f"query_manners.2.{part}"], len(Manner)) for part in ("weight", "bias")}
        self._own: dict[tuple[Manner, ...], _Linear] = {}

    def __call__(self, rows: FloatArray, manners: Sequence[Manner]) -> tuple[FloatArray, FloatArray]:
        """Queries for some manners, batch manners dim, and ends with the biases of all manners after them."""
        first = _gelu(self._first(rows))
        size = first.shape[1] // 3
        own = self._of(tuple(manners))(first[:, size : 2 * size]).reshape(len(rows), len(manners), size)
        own += self._query(first[:, :size])[:, None]
        return own, self._ends(first[:, 2 * size :])

    def _of(self, manners: tuple[Manner, ...]) -> _Linear:
        """The second maps of the queries for some manners, as one."""
        if manners not in self._own:
            joined = {
                f"own.{part}": np.concatenate([ofs[manner] for manner in manners]) for part, ofs in self._parts.items()
            }
            self._own[manners] = _Linear(joined, "own")
        return self._own[manners]


def _standard(rows: FloatArray) -> FloatArray:
    """Rows, along the last axis, at mean 0 and variance 1."""
    share = np.float32(1 / rows.shape[-1])
    means: FloatArray = np.add.reduce(rows, -1, keepdims=True) * share
    centred: FloatArray = rows - means
    variance = np.einsum("...d,...d->...", centred, centred) * share
    centred *= (1 / np.sqrt(variance + LAYER_NORM_EPSILON))[..., None]
    return centred


def _softmax(energies: FloatArray) -> FloatArray:
    """Shares along the last axis; changes what it is given."""
    energies -= np.maximum.reduce(energies, -1, keepdims=True)
    np.exp(energies, out=energies)
    energies /= np.add.reduce(energies, -1, keepdims=True)
    return energies


def _sigmoid(rows: FloatArray) -> FloatArray:
    chances: FloatArray = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * rows))
    return chances


def _gelu(rows: FloatArray) -> FloatArray:
    square = rows * rows
    inner = square * GELU[4]
    for coefficient in GELU[3:0:-1]:
        inner += coefficient
        inner *= square
    inner += GELU[0]
    inner *= rows
    np.tanh(inner, out=inner)
    inner += 1
    inner *= rows
    inner *= np.float32(0.5)
    return inner


def _unit(vectors: FloatArray) -> FloatArray:
    """Vectors along the last axis at length 1; zero stays zero."""
    lengths = np.sqrt(np.einsum("...d,...d->...", vectors, vectors))
    unit: FloatArray = vectors / np.maximum(lengths, LEAST_LENGTH)[..., None]
    return unit
