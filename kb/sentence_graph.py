"""The computation graph of all-MiniLM-L6-v2, or of its first layers, as ONNX bytes, without its weights.

The published weights are a safetensors file and the graph of a BERT encoder is known, so the graph is written here and
the weights are handed to onnxruntime beside it: no second copy of 90 MB, and one checksum covers every number. ONNX is
protobuf, of which a graph needs two wire types: varints and length-delimited bytes (https://protobuf.dev, encoding).

Products may be in 8 bits: their inputs are rounded by the largest of the run (so a text's states depend on those that
it is run with), their weights column by column to 7 bits, so that no processor's sums of two overflow 16 bits.

Inputs: `ids` (texts, tokens), `positions` (tokens), `bias` (texts, 1, 1, tokens: 0 where filled, very negative where
not). Output: `states` (texts, tokens, hidden).
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.quantised import SCALES, quantise

HEADS = 12
HIDDEN = 384
LAYER = "encoder.layer"
NORM_EPSILON = 1e-12
OPSET = 20  # the first with Gelu
IR_VERSION = 9
ELEMENTS = {"float32": 1, "int8": 3, "int64": 7}  # ONNX's numbers of types
FLOAT, INT64 = ELEMENTS["float32"], ELEMENTS["int64"]
INT7_MAX = 63
ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS = 1, 2, 7

Weights = dict[str, NDArray[Any]]


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers are ten bytes of two's complement
    packed = bytearray()
    while value > 0x7F:
        packed.append(value & 0x7F | 0x80)
        value >>= 7
    packed.append(value)
    return bytes(packed)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _message(number: int, body: bytes | str) -> bytes:
    packed = body.encode() if isinstance(body, str) else body
    return _varint(number << 3 | 2) + _varint(len(packed)) + packed


def _attribute(name: str, value: int | float | Sequence[int]) -> bytes:
    if isinstance(value, float):
        body = _varint(2 << 3 | 5) + struct.pack("<f", value) + _integer(20, ATTRIBUTE_FLOAT)
    elif isinstance(value, int):
        body = _integer(3, value) + _integer(20, ATTRIBUTE_INT)
    else:
        body = b"".join(_integer(8, item) for item in value) + _integer(20, ATTRIBUTE_INTS)
    return _message(1, name) + body


def _value(name: str, element: int, axes: Sequence[str | int]) -> bytes:
    shape = b"".join(_message(1, _message(2, axis) if isinstance(axis, str) else _integer(1, axis)) for axis in axes)
    return _message(1, name) + _message(2, _message(1, _integer(1, element) + _message(2, shape)))


@dataclass
class _Graph:
    """Nodes and constants in the order in which they were added."""

    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)
    scaled: set[str] = field(default_factory=set)  # matrices in 8 bits
    rounded: dict[str, list[str]] = field(default_factory=dict)  # states in 8 bits: numbers, scale, zero

    def add(self, operation: str, *inputs: str, **attributes: int | float | Sequence[int]) -> str:
        """Append a node; return the name of its only output."""
        return self.add_many(1, operation, *inputs, **attributes)[0]

    def add_many(
        self, count: int, operation: str, *inputs: str, **attributes: int | float | Sequence[int]
    ) -> list[str]:
        """Append a node; return the names of its outputs."""
        outputs = [f"{operation.lower()}_{len(self.nodes)}" + f"_{number}" * (count > 1) for number in range(count)]
        body = b"".join(_message(1, name) for name in inputs) + b"".join(_message(2, name) for name in outputs)
        body += _message(4, operation) + b"".join(_message(5, _attribute(*item)) for item in attributes.items())
        self.nodes.append(body)
        return outputs

    def constant(self, name: str, values: Sequence[int]) -> str:
        """Declare a one-axis constant of int64."""
        raw = struct.pack(f"<{len(values)}q", *values)
        self.constants.append(
            _integer(1, len(values)) + _integer(2, INT64) + _message(8, name) + _message(9, raw),
        )
        return name

    def weight(self, name: str, array: NDArray[Any]) -> None:
        """Declare a constant whose numbers the session gets beside the graph."""
        place = _message(13, _message(1, "location") + _message(2, "weights"))
        dims = b"".join(_integer(1, axis) for axis in array.shape)
        element = _integer(2, ELEMENTS[array.dtype.name])
        self.constants.append(dims + element + _message(8, name) + place + _integer(14, 1))
        if name.endswith(SCALES):
            self.scaled.add(name.removesuffix(SCALES))

    def linear(self, state: str, name: str) -> str:
        """State times weight plus bias."""
        weight = f"{name}.weight"
        if weight not in self.scaled:
            return self.add("Add", self.add("MatMul", state, weight), f"{name}.bias")
        if state not in self.rounded:
            self.rounded[state] = self.add_many(3, "DynamicQuantizeLinear", state)
        numbers, scale, zero = self.rounded[state]
        product = self.add("Cast", self.add("MatMulInteger", numbers, weight, zero), to=FLOAT)
        scaled = self.add("Mul", product, self.add("Mul", scale, weight + SCALES))
        return self.add("Add", scaled, f"{name}.bias")

    def normalise(self, state: str, name: str) -> str:
        """Layer normalisation over the last axis."""
        return self.add("LayerNormalization", state, f"{name}.weight", f"{name}.bias", axis=-1, epsilon=NORM_EPSILON)

    def heads(self, state: str, order: Sequence[int]) -> str:
        """(texts, tokens, hidden) -> (texts, heads, tokens, width), or with the last two axes swapped."""
        return self.add("Transpose", self.add("Reshape", state, "split"), perm=order)


def arrange(published: Mapping[str, NDArray[np.float32]]) -> Weights:
    """The published tensors as the graph wants them: (in, out) matrices, attention's scale folded into the query."""
    unused = ("pooler.", "embeddings.position_ids")
    weights: Weights = {}
    for name, array in published.items():
        if name.startswith(unused):
            continue
        transposed = name.endswith(".weight") and array.ndim == 2 and not name.startswith("embeddings.")
        values = array.T if transposed else array
        if ".self.query." in name:
            values = values / np.sqrt(HIDDEN // HEADS)
        weights[name] = np.ascontiguousarray(values, dtype=np.float32)
    return weights


def in_eight_bits(arranged: Weights) -> Weights:
    """Arranged weights with the matrices of products as integers, `.scales` of their columns beside them."""
    weights = dict(arranged)
    for name, array in arranged.items():
        if name.startswith(LAYER) and array.ndim == 2:
            columns, scales = quantise(array.T, INT7_MAX)
            weights[name], weights[name + SCALES] = np.ascontiguousarray(columns.T), scales.astype(np.float32)
    return weights


def build(weights: Weights) -> bytes:
    """The graph as a serialised ONNX model, its weights declared by name, type and shape, as deep as they reach."""
    graph = _Graph()
    for name, array in weights.items():
        graph.weight(name, array)
    graph.constant("split", (0, 0, HEADS, HIDDEN // HEADS))
    graph.constant("join", (0, 0, HIDDEN))
    graph.constant("first", (0,))
    words = graph.add("Gather", "embeddings.word_embeddings.weight", "ids", axis=0)
    places = graph.add("Gather", "embeddings.position_embeddings.weight", "positions", axis=0)
    kind = graph.add("Gather", "embeddings.token_type_embeddings.weight", "first", axis=0)
    total = graph.add("Add", graph.add("Add", words, places), kind)
    state = graph.normalise(total, "embeddings.LayerNorm")
    for layer in range(num_layers(weights)):
        state = _layer(graph, state, f"{LAYER}.{layer}")
    graph.add("Identity", state)
    body = b"".join(_message(1, node) for node in graph.nodes) + _message(2, "all-MiniLM-L6-v2")
    body += b"".join(_message(5, constant) for constant in graph.constants)
    body += _message(11, _value("ids", INT64, ("texts", "tokens")))
    body += _message(11, _value("positions", INT64, ("tokens",)))
    body += _message(11, _value("bias", FLOAT, ("texts", 1, 1, "tokens")))
    body += _message(12, _value(f"identity_{len(graph.nodes) - 1}", FLOAT, ("texts", "tokens", HIDDEN)))
    return _integer(1, IR_VERSION) + _message(8, _integer(2, OPSET)) + _message(7, body)


def num_layers(names: Iterable[str]) -> int:
    """How many layers there are weights of."""
    return len({name.split(".")[2] for name in names if name.startswith(f"{LAYER}.")})


def _layer(graph: _Graph, state: str, name: str) -> str:
    query = graph.heads(graph.linear(state, f"{name}.attention.self.query"), (0, 2, 1, 3))
    key = graph.heads(graph.linear(state, f"{name}.attention.self.key"), (0, 2, 3, 1))
    value = graph.heads(graph.linear(state, f"{name}.attention.self.value"), (0, 2, 1, 3))
    scores = graph.add("Add", graph.add("MatMul", query, key), "bias")
    read = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), value)
    joined = graph.add("Reshape", graph.add("Transpose", read, perm=(0, 2, 1, 3)), "join")
    attended = graph.linear(joined, f"{name}.attention.output.dense")
    state = graph.normalise(graph.add("Add", attended, state), f"{name}.attention.output.LayerNorm")
    wide = graph.add("Gelu", graph.linear(state, f"{name}.intermediate.dense"))
    narrow = graph.linear(wide, f"{name}.output.dense")
    return graph.normalise(graph.add("Add", narrow, state), f"{name}.output.LayerNorm")
