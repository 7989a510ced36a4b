import numpy as np
import torch

from models.episodes import Episode
from models.networks.memnn import MemNN, MemNNConfig, Ranking
from models.packing import Batch, Packed, Sizes, pack, sizes_of
from models.training import TrainingConfig
from models.vocabulary import UNKNOWN, vocabulary_of
from tests.contracts.networks.memnn import naive

RING = (
    Episode((("bilbo", "took", "the", "ring"), ("frodo", "slept")), ("who", "took", "the", "ring"), ("bilbo",), (0,)),
    Episode((("frodo", "took", "the", "cup"), ("bilbo", "slept")), ("who", "slept"), ("bilbo",), (1,)),
)


def ring_network(config: MemNNConfig) -> tuple[MemNN, Packed]:
    vocabulary = vocabulary_of(RING)
    packed = pack(RING, vocabulary)
    torch.manual_seed(4)
    network = MemNN(config, sizes_of(packed, vocabulary))
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    return network.eval(), packed


def with_unseen_names(packed: Packed) -> Batch:
    batch = packed.batch(np.arange(2))
    slots = batch.slots.clone()
    slots[:, :, 0] = UNKNOWN
    return batch._replace(slots=slots)


@torch.no_grad()
def test_an_unseen_word_is_known_by_its_neighbours() -> None:
    network, packed = ring_network(MemNNConfig(dim=6, hops=2, unseen=0.3))
    batch = with_unseen_names(packed)
    scores = network(batch).scores
    for row in range(2):
        torch.testing.assert_close(scores[row], naive(network, batch, row))
    network.facts[2 * network.sizes.words :] += 1.0
    assert not torch.equal(network(batch).scores, scores)


@torch.no_grad()
def test_without_neighbours_unseen_words_share_a_vector() -> None:
    network, packed = ring_network(MemNNConfig(dim=6, hops=2))
    batch = with_unseen_names(packed)
    scores = network(batch).scores
    network.facts[UNKNOWN] += 1.0
    assert not torch.equal(network(batch).scores, scores)


def loop_winner(ranking: Ranking, row: int, slots: int) -> int:
    """The paper's loop: go through the memory, keep the winner of each pair."""
    winner = 0
    for at in range(1, slots):
        score = ranking.winning[row, at] - ranking.losing[row, winner] - ranking.older[row, 0]
        winner = at if score > 0 else winner
    return winner


def test_the_fact_found_is_the_one_that_the_papers_loop_ends_with_if_it_beats_all_others() -> None:
    network = MemNN(MemNNConfig(dim=4), Sizes(5, 2, 6, 4))
    torch.manual_seed(2)
    scores = torch.randn(200, 6)
    ranking = Ranking(scores, scores, torch.randn(200, 1))
    found = network._winner(ranking, torch.ones(200, 6, dtype=torch.bool), may_stop=False)
    compared = 0
    for row in range(200):
        slots = range(6)
        sign = {(i, j): 1 if i < j else -1 for i in slots for j in slots}
        beats = [
            all(scores[row, i] - scores[row, j] + ranking.older[row, 0] * sign[i, j] > 0 for j in slots if j != i)
            for i in slots
        ]
        if any(beats):
            compared += 1
            assert int(found[row]) == beats.index(True) == loop_winner(ranking, row, 6)
    assert compared > 100


def test_of_equal_texts_the_newest_can_be_learnt() -> None:
    episodes = [Episode((("a", "sat"),) * count, ("who",), ("a",), (count - 1,)) for count in (2, 3, 4)]
    vocabulary = vocabulary_of(episodes)
    packed = pack(episodes, vocabulary)
    torch.manual_seed(1)
    network = MemNN(MemNNConfig(dim=8, hops=1), sizes_of(packed, vocabulary))
    optimizer = torch.optim.Adam(network.parameters(), lr=TrainingConfig().learning_rate * 10)
    batch = packed.batch(np.arange(3))
    for _ in range(100):
        optimizer.zero_grad()
        loss = network.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss.item() == 0.0
    assert network(batch).attention.argmax(-1).tolist() == [[1], [2], [3]]


def test_reading_ends_at_the_stop_fact() -> None:
    network, packed = ring_network(MemNNConfig(dim=6, hops=5, adaptive=True))
    batch = packed.batch(np.arange(2))
    with torch.no_grad():
        network.stop.fill_(50.0)
        network.times.zero_()
        network.questions[:, :6].fill_(1.0)
    assert network(batch).attention.shape[1] == 1


def test_no_right_answer_is_ranked_below_another() -> None:
    network = MemNN(MemNNConfig(dim=4, margin=0.1), Sizes(5, 3, 6, 4))
    scores = torch.tensor([[1.0, 0.95, 0.5]])
    assert network._answer_loss(scores, torch.tensor([[0, 1]])).item() == 0.0
    torch.testing.assert_close(network._answer_loss(scores, torch.tensor([[0, -1]])), torch.tensor([0.05]))
