"""Tokens as their text shows them: states of the first layers of all-MiniLM-L6-v2, frozen and shipped in 8 bits.

A `StaticEncoder`'s vector of a token is the same in every text; a state here knows the words around it and their
order. The reader is trained over both. Make the weights anew: python -m kb.context (needs the published model).
"""

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from kb import quantised, sentence_graph
from kb.encoding import WEIGHTS, FloatArray, StaticEncoder, published_weights, start_session

CONTEXT_FILE = "context-en-384.safetensors"
LAYERS = 3
MAX_TOKENS = 64  # of one text, [SEP] with them
POSITIONS = "embeddings.position_embeddings.weight"
CLASSIFY, SEPARATE, MASK = 101, 102, 103  # [CLS], [SEP], [MASK]


class ContextEncoder:
    """What a reader knows of the tokens of a text: their static vectors, and their states in it.

    The id is that of the static encoder with a hash of the layers' weights. Threads may share it.
    """

    dim = sentence_graph.HIDDEN

    def __init__(self, static: StaticEncoder | None = None, folder: Path = WEIGHTS) -> None:
        stored = (folder / CONTEXT_FILE).read_bytes()
        self._static = static or StaticEncoder()
        self.id = f"{self._static.id}+context-{hashlib.sha256(stored).hexdigest()[:12]}"
        weights = sentence_graph.arrange(quantised.unpack(safetensors.numpy.load(stored)))
        self._session = start_session(sentence_graph.in_eight_bits(weights), threads=1)

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, uncut."""
        return self._static.tokenise(texts)

    def token_table(self) -> FloatArray:
        """All static vectors, (vocabulary, words' dim); read-only."""
        return self._static.token_table()

    def states(self, ids: Sequence[int]) -> FloatArray:
        """States of the tokens of one text, (tokens, dim).

        A text begins with [CLS]; what stands for a name is [MASK]; [SEP] is put behind its last token here. Texts are
        never run together: rounding would make a text's states depend on the others, and together saves no time.
        """
        given = np.array([[*ids, SEPARATE]], np.int64)
        length = given.shape[1]
        feeds = {"ids": given, "positions": np.arange(length), "bias": np.zeros((1, 1, 1, length), np.float32)}
        states: FloatArray = self._session.run(None, feeds)[0][0, :-1]
        return states


def first_layers(published: Mapping[str, FloatArray]) -> dict[str, NDArray[np.generic]]:
    """What ships of the published weights: embeddings and first layers, in 8 bits."""
    wanted = ("embeddings.", *(f"{sentence_graph.LAYER}.{number}." for number in range(LAYERS)))
    floats = {name: array for name, array in published.items() if array.dtype.kind == "f"}
    weights = {name: array for name, array in floats.items() if name.startswith(wanted)}
    weights[POSITIONS] = weights[POSITIONS][:MAX_TOKENS]
    return quantised.pack(weights)


def main() -> None:
    """Pack the published model's first layers for shipping."""
    parser = argparse.ArgumentParser(description="Pack the first layers of all-MiniLM-L6-v2 for shipping.")
    parser.add_argument("--model", type=Path, help="folder of all-MiniLM-L6-v2; else an installed package's")
    parser.add_argument("--out", type=Path, default=WEIGHTS / CONTEXT_FILE)
    arguments = parser.parse_args()
    published, _ = published_weights(arguments.model)
    safetensors.numpy.save_file(first_layers(published), arguments.out)


if __name__ == "__main__":
    main()
