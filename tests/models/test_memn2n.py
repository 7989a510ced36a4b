import numpy as np
import torch

from models.networks.memn2n import MemN2N, MemN2NConfig
from models.packing import pack, sizes_of
from models.vocabulary import vocabulary_of
from tests.models.toys import toy_stories


def make_network(config: MemN2NConfig, slots: int) -> MemN2N:
    episodes = toy_stories()
    vocabulary = vocabulary_of(episodes)
    torch.manual_seed(1)
    return MemN2N(config, sizes_of(pack(episodes, vocabulary), vocabulary, slots))


def ages_of(network: MemN2N, filled: torch.Tensor) -> torch.Tensor:
    """Ages by the rows of `ages` that the network adds to an empty memory."""
    with torch.no_grad():
        for table in network.ages:
            table.copy_(torch.arange(len(table))[:, None].expand_as(table))
    return network._ages(filled)


FILLED = torch.arange(30) < torch.tensor([30, 12, 1])[:, None]


def test_the_newest_slot_has_age_zero() -> None:
    network = make_network(MemN2NConfig(random_noise=0.5), slots=30).eval()
    assert ages_of(network, FILLED)[1, :12].tolist() == list(range(11, -1, -1))


def test_noise_skips_ages_in_training_but_keeps_their_order() -> None:
    network = make_network(MemN2NConfig(random_noise=0.5), slots=50).train()
    torch.manual_seed(2)
    seen = []
    for _ in range(50):
        ages = ages_of(network, FILLED)[1, :12]
        assert (ages[:-1] > ages[1:]).all()
        assert ages[0] < 12 + 6
        seen.append(int(ages[0]))
    assert len(set(seen)) > 3
    assert min(seen) >= 11


def test_ages_beyond_the_table_are_its_last() -> None:
    network = make_network(MemN2NConfig(random_noise=0.5), slots=30).train()
    assert all(int(ages_of(network, FILLED).max()) <= 29 for _ in range(20))


def test_without_softmax_only_filled_slots_are_read() -> None:
    episodes = toy_stories()
    vocabulary = vocabulary_of(episodes)
    packed = pack(episodes, vocabulary)
    network = make_network(MemN2NConfig(linear_start=True), slots=4).eval()
    batch = packed.batch(np.arange(8))
    soft = network(batch).attention
    network.start(starting=True)
    linear = network(batch).attention
    assert not linear.masked_select(~batch.filled[:, None]).any()
    assert not torch.allclose(linear.sum(-1), soft.sum(-1))
    network.start(starting=False)
    torch.testing.assert_close(network(batch).attention, soft)
