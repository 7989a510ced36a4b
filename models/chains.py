"""What a reader is asked and what it finds: readings of a question, and chains of steps over a memory.

Pure values; knows no network and no search.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.calibration import Held
from models.episodes import Asked, Manner
from models.memory import FloatArray, IntArray, KeyValueMemory
from models.networks.path_inference import Keys
from models.steps import Argument
from models.texts import Pieces


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a question: placeholders for what it names, and what the names may mean.

    Without `topics` it starts from everything there is. `kind` is the number of the argument that says what the answers
    are ("which laptops"), `classes` those of what the chain passes through ("the maker of the laptop"): they have no
    placeholder, and what is reached is kept to what they name; where `is_kind_of_people`, who asks whether (somebody
    has a sister) is kept to it, too. `flag` is the number of the argument that says what a relation of yes and no has
    to be where one is meant without its words. Where it `is_of_siblings`, who comes back from parents to their children
    does not come to whom it came from. `spans` are where in the question the placeholders stand, in their order.
    """

    text: str
    topics: IntArray
    score: float
    arguments: tuple[Argument, ...] = ()
    kind: int | None = None
    classes: tuple[int, ...] = ()
    flag: int | None = None
    is_kind_of_people: bool = False
    is_of_siblings: bool = False
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A question's readings, best first, and the memory to read them over; `budget` bounds the facts read a hop."""

    memory: KeyValueMemory
    keys: Keys
    readings: Sequence[Reading]
    max_hops: int
    budget: int


@dataclass(frozen=True, slots=True)
class Use:
    """A key used in a manner, and the network's probability of it; read with another key `beside` it, of both."""

    key: int
    manner: Manner
    probability: float
    beside: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One hop of a chain: what was done, what else was possible, the words attended to, and where it led.

    `argument` is the number of the reading's argument that it used up; `by_count` says that numbers of values were
    compared, not values.
    """

    use: Use
    argument: int | None
    by_count: bool
    alternatives: tuple[Use, ...]
    text: Pieces
    token_attention: FloatArray
    entities: IntArray
    weights: FloatArray
    facts: IntArray
    facts_read: int

    @property
    def key(self) -> int:
        """The key used."""
        return self.use.key

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
    """A path from a reading's topics to answers, and what is wanted of them.

    `probability` is the network's, without the linking score; `lacking` how likely a relation is meant that nothing on
    the way has and things like those have. The last step of a chain that asks whether there are any
    may have no entities: the facts say no.
    """

    reading: int
    steps: tuple[Step, ...]
    probability: float
    rejected: float
    asked: Asked = Asked.ENTITIES
    lacking: float = 0.0

    def held(self, readings: Sequence[Reading]) -> Held:
        """What is held of it, for calibration."""
        belief = self.probability * readings[self.reading].score
        return Held(belief, self.rejected, self.steps[-1].use.probability, self.lacking)

    @property
    def is_denied(self) -> bool:
        """Whether the facts say that there are none."""
        return not len(self.steps[-1].entities)

    def is_partial(self, budget: int) -> bool:
        """Whether it counts, denies or compares what a hop within its budget may not have seen whole."""
        is_cut = any(step.facts_read >= budget for step in self.steps if step.use.manner in (Manner.READ, Manner.KEEP))
        is_extreme = any(step.use.manner in (Manner.MOST, Manner.LEAST) for step in self.steps)
        return is_cut and (self.asked is Asked.COUNT or self.is_denied or is_extreme)


def everything() -> IntArray:
    """Give the topics of a reading that starts from everything there is."""
    return np.empty(0, np.int32)
