"""Small encoders, networks and memories for tests."""

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from models.episodes import (
    FORWARD,
    INVERSE,
    MENTION,
    OTHER,
    VALUE,
    Asked,
    Choice,
    End,
    LabelledKey,
    Manner,
    PathEpisode,
    path_episode,
    rejection,
)
from models.kinds import Kind
from models.memory import TripleMemory
from models.networks.path_config import PathReaderConfig
from models.networks.path_inference import PathInference
from models.networks.path_reader import PathReader
from models.profiles import Profile
from models.texts import TextCutter

VOCABULARY = 512
WORD_DIM = 16
CONTEXT_DIM = 6

TRIPLES = (
    ("kismet", "directed by", "dieterle"),
    ("kismet", "release year", "1944"),
    ("salome", "directed by", "dieterle"),
    ("salome", "release year", "1953"),
    ("dieterle", "born in", "ludwigshafen"),
    ("kismet", "starring", "colman"),
    ("colman", "born in", "richmond"),
)


class TinyEncoder:
    """Words as their checksums into a random table; a token's state tells it and the one before it."""

    id = "tiny"
    dim = CONTEXT_DIM

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        return [[zlib.crc32(word.encode()) % VOCABULARY for word in text.lower().split()] for text in texts]

    def token_table(self) -> NDArray[np.float32]:
        return np.random.default_rng(7).normal(size=(VOCABULARY, WORD_DIM)).astype(np.float32)

    def states(self, ids: Sequence[int]) -> NDArray[np.float32]:
        rows = np.random.default_rng(8).normal(size=(VOCABULARY, CONTEXT_DIM)).astype(np.float32)[list(ids)]
        rows[1:] += rows[:-1].copy()
        return rows


def make_config(**overrides: int | float | bool) -> PathReaderConfig:
    settings = {
        "word_dim": WORD_DIM,
        "context_dim": CONTEXT_DIM,
        "dim": 16,
        "heads": 2,
        "feedforward": 24,
        "max_tokens": 24,
        "dropout": 0.0,
    }
    return PathReaderConfig(**{**settings, **overrides})  # type: ignore[arg-type]


def make_network(seed: int = 3, **overrides: int | float | bool) -> PathReader:
    torch.manual_seed(seed)
    network = PathReader(make_config(**overrides), torch.tensor(TinyEncoder().token_table()))
    for weight in network.parameters():  # nothing zero, so that every equation counts
        torch.nn.init.normal_(weight, std=0.2)
    return network.eval()


def make_inference(network: PathReader | None = None) -> PathInference:
    network = network or make_network()
    return PathInference(network.config, network.weights(), TinyEncoder().token_table())


def make_cutter() -> TextCutter:
    return TextCutter(TinyEncoder(), 24)


def make_memory() -> TripleMemory:
    return TripleMemory(TRIPLES)


def make_episodes() -> list[PathEpisode]:
    directed, directs = LabelledKey("directed by", FORWARD), LabelledKey("directed by", INVERSE)
    born, year = (
        LabelledKey("born in", FORWARD),
        LabelledKey("release year", FORWARD, Profile(Kind.DATE, ("paris", "berlin"), ("town",))),
    )
    film, person = [directed, year, LabelledKey("starring", FORWARD)], [directs, born]
    place = [LabelledKey("born in", INVERSE)]
    return [
        path_episode(f"who directed {MENTION}", [directed], [film, person]),
        path_episode(f"when was {MENTION} released", [year], [film, [LabelledKey("release year", INVERSE)]]),
        path_episode(f"what did {MENTION} direct", [directs], [person, film]),
        path_episode(f"where was the director of {MENTION} born", [directed, born], [film, person, place]),
        path_episode(
            f"when were films of the director of {MENTION} released",
            [directed, directs, year],
            [film, person, film, []],
        ),
        PathEpisode(
            f"films by {MENTION} with {OTHER}",
            (Choice(tuple(person), directs), Choice(tuple(film), film[2], Manner.KEEP), Choice(tuple(film), End.STOP)),
        ),
        PathEpisode(
            f"was {MENTION} released before {VALUE}",
            (Choice(tuple(film), year, Manner.BELOW), Choice(tuple(film), End.STOP)),
            Asked.WHETHER,
        ),
        PathEpisode(
            f"how many films did {MENTION} direct",
            (Choice(tuple(person), directs), Choice(tuple(film), End.STOP)),
            Asked.COUNT,
        ),
        PathEpisode("the newest film", (Choice(tuple(film), year, Manner.MOST), Choice(tuple(film), End.STOP))),
        rejection(f"how tall is {MENTION}", film),
        rejection(f"who directed {MENTION}", person),
    ]
