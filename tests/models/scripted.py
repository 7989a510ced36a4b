"""A reader over a network whose scores a test sets."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.chains import Chain, Reading, ReadRequest
from models.episodes import MENTION, Asked, End, Manner
from models.memory import TripleMemory
from models.networks.path_inference import FloatArray, Glimpse, Keys, PathInference, Question, State
from models.profiles import profiles_of
from models.reader import Reader
from models.steps import Argument
from models.texts import TokenArrays
from tests.models.factories import TinyEncoder, make_cutter, make_memory, make_network


class ScriptedNetwork(PathInference):
    """Scores uses of keys, and ends, by what a test says for the hop; knows the hop by the attention spent.

    A script names keys by their relation, `^` before it where it is read backwards, after a manner and a colon where it
    is not read but used otherwise. What is wanted is `asked`, for sure.
    """

    def __init__(
        self,
        memory: TripleMemory,
        script: Mapping[tuple[int, str], float],
        mask_topic: bool = True,
        asked: Asked = Asked.ENTITIES,
    ) -> None:
        network = make_network(mask_topic=mask_topic)
        super().__init__(network.config, network.weights(), TinyEncoder().token_table())
        self._memory = memory
        self._script = script
        self._wanted = asked

    def encode_questions(self, tokens: TokenArrays) -> Question:
        question = super().encode_questions(tokens)
        asked = np.zeros_like(question.asked)
        asked[:, self._wanted] = 1
        return question._replace(asked=asked)

    def score(self, glimpse: Glimpse, keys: Keys) -> FloatArray:
        num_keys = 2 * len(self._memory.relation_labels)
        scores = np.full((len(glimpse.query), len(Manner), num_keys), -20.0, np.float32)
        for row, hop in enumerate(glimpse.looked[:, 0].astype(int).tolist()):
            for (at, name), value in self._script.items():
                if at == hop and name.upper() not in End.__members__:
                    scores[row, *self.place(name)] = value
        return scores[:, glimpse.manners]

    def place(self, name: str) -> tuple[int, int]:
        manner, _, key = name.rpartition(":")
        relation = self._memory.relation_labels.index(key.removeprefix("^"))
        return Manner[manner.upper() or "READ"], 2 * relation + key.startswith("^")

    def look(self, question: Question, state: State, manners: Sequence[Manner] = tuple(Manner)) -> Glimpse:
        hops = [round(float(spent.sum())) for spent in state.spent]
        glimpse = super().look(question, state, manners)
        ends = np.array([[self._script.get((hop, end.name.lower()), -20.0) for end in End] for hop in hops])
        glimpse.looked[:, 0] = hops  # of no other use here
        return glimpse._replace(ends=ends.astype(np.float32))


def read(
    script: Mapping[tuple[int, str], float],
    topic: str = "kismet",
    max_hops: int = 3,
    mask_topic: bool = True,
    text: str = f"who {MENTION}",
    arguments: tuple[Argument, ...] = (),
    asked: Asked = Asked.ENTITIES,
    memory: TripleMemory | None = None,
) -> tuple[TripleMemory, list[Chain]]:
    memory = memory or make_memory()
    reader = Reader(ScriptedNetwork(memory, script, mask_topic, asked), make_cutter(), "scripted")
    reading = Reading(text, memory.entities([topic] if topic else []), 1.0, arguments)
    keys = reader.key_vectors(memory.relation_labels, profiles_of(memory))
    (chains,) = reader.read([ReadRequest(memory, keys, [reading], max_hops, 100)])
    return memory, chains


def labels(memory: TripleMemory, chain: Chain) -> list[str]:
    return [memory.labels[entity] for entity in chain.steps[-1].entities.tolist()]
