"""States of tokens: told by the words around, near to what the published layers give."""

from functools import cache

import numpy as np
import pytest
import safetensors.numpy
import torch
from numpy.typing import NDArray
from torch.nn import functional

from kb import context, quantised, sentence_graph
from kb.context import CLASSIFY, MASK, SEPARATE, ContextEncoder
from kb.encoding import WEIGHTS, FloatArray, StaticEncoder, published_weights
from kb.errors import EncoderUnavailable


@cache
def encoder() -> ContextEncoder:
    return ContextEncoder()


def states(text: str) -> FloatArray:
    ids = [CLASSIFY, *encoder().tokenise([text])[0]]
    found = encoder().states(ids)
    assert found.shape == (len(ids), encoder().dim)
    return found


def test_a_word_has_another_state_beside_other_words() -> None:
    river, account = states("river bank"), states("bank account")
    assert not np.allclose(river[2], account[1], atol=0.1)


def test_special_tokens_have_the_ids_of_the_tokenizer() -> None:
    assert StaticEncoder().piece_ids(["[CLS]", "[SEP]", "[MASK]"]) == [CLASSIFY, SEPARATE, MASK]


def test_the_id_names_both_tables() -> None:
    static = StaticEncoder()
    assert encoder().id.startswith(f"{static.id}+context-")
    np.testing.assert_array_equal(encoder().token_table(), static.token_table())


def shipped() -> dict[str, NDArray[np.generic]]:
    return dict(safetensors.numpy.load_file(WEIGHTS / context.CONTEXT_FILE))


def test_what_ships_is_the_published_weights_packed() -> None:
    try:
        published, _ = published_weights()
    except EncoderUnavailable as error:
        pytest.skip(f"no weights of all-MiniLM-L6-v2: {error.missing}")
    packed = context.first_layers(published)
    assert packed.keys() == shipped().keys()
    for name, array in shipped().items():
        np.testing.assert_array_equal(packed[name], array)


def test_states_are_those_of_the_layers_in_32_bits_but_for_rounding() -> None:
    """Against the shipped weights in torch, layer by layer (Devlin et al. 2019; Vaswani et al. 2017)."""
    weights = {name: torch.tensor(array) for name, array in quantised.unpack(shipped()).items()}
    text = "who directed the film"
    ids = torch.tensor([CLASSIFY, *encoder().tokenise([text])[0], SEPARATE])

    def linear(rows: torch.Tensor, name: str) -> torch.Tensor:
        return functional.linear(rows, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(rows: torch.Tensor, name: str) -> torch.Tensor:
        size = (sentence_graph.HIDDEN,)
        return functional.layer_norm(rows, size, weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)

    rows = weights["embeddings.word_embeddings.weight"][ids]
    rows = rows + weights["embeddings.position_embeddings.weight"][: len(ids)]
    rows = norm(rows + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for number in range(context.LAYERS):
        layer = f"{sentence_graph.LAYER}.{number}"
        query, key, value = (
            linear(rows, f"{layer}.attention.self.{part}").view(len(ids), sentence_graph.HEADS, -1).transpose(0, 1)
            for part in ("query", "key", "value")
        )
        read = functional.scaled_dot_product_attention(query, key, value).transpose(0, 1).reshape(len(ids), -1)
        rows = norm(rows + linear(read, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        wide = functional.gelu(linear(rows, f"{layer}.intermediate.dense"))
        rows = norm(rows + linear(wide, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    cosines = functional.cosine_similarity(torch.tensor(states(text)), rows[:-1], dim=-1)
    assert cosines.min() > 0.985, cosines
