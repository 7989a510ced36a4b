from random import Random

import pytest
import torch

from models.batching import pad, path_batch, unlike
from models.episodes import FORWARD, MENTION, Choice, End, LabelledKey, Manner, PathEpisode, manners
from tests.models.factories import make_cutter, make_episodes


def test_distances_count_from_the_mention() -> None:
    cutter = make_cutter()
    tokens = pad(cutter.cut([f"who directed {MENTION} then", "who"]), cutter)
    assert tokens.distances.tolist() == [[-3, -2, -1, 0, 1], [0, 0, 0, 0, 0]]
    assert tokens.present.sum(-1).tolist() == [5, 2]


def test_gold_and_reach_point_at_the_same_keys() -> None:
    episodes = make_episodes()
    batch = path_batch(episodes, make_cutter())
    first_end = batch.in_reach.shape[-1] - len(End)
    assert len(batch.keys.labels) * len(Manner) == first_end
    assert sum(part.ids.shape[0] for part in batch.labels) == len(set(batch.keys.labels.tolist()))
    for row, episode in enumerate(episodes):
        for hop, choice in enumerate(episode.choices):
            assert batch.in_reach[row, hop, batch.gold[row, hop]]
            uses = len(choice.reach) * len(manners(episode.question, hop))
            assert int(batch.in_reach[row, hop, :first_end].sum()) == uses
        assert (batch.gold[row, len(episode.choices) :] == -1).all()


def test_a_path_cannot_stop_before_its_first_hop() -> None:
    batch = path_batch(make_episodes(), make_cutter())
    first_end = batch.in_reach.shape[-1] - len(End)
    assert not batch.in_reach[:, 0, first_end + End.STOP].any()
    assert batch.in_reach[:, 0, first_end + End.REJECT].all()


def test_what_is_asked_and_the_manner_of_a_hop_are_in_the_batch() -> None:
    episodes = make_episodes()
    batch = path_batch(episodes, make_cutter())
    assert batch.asked.tolist() == [episode.asked for episode in episodes]
    num_keys = len(batch.keys.labels)
    for row, episode in enumerate(episodes):
        for hop, choice in enumerate(episode.choices):
            if not isinstance(choice.gold, End):
                assert int(batch.gold[row, hop]) // num_keys == choice.manner


def test_distractors_share_no_word_with_the_gold_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.batching.HIDDEN_PROFILES", 0.0)
    episodes = make_episodes()
    plain = path_batch(episodes, make_cutter())
    crowded = path_batch(episodes, make_cutter(), Random(1), 50)
    assert crowded.in_reach.sum() > plain.in_reach.sum()
    torch.testing.assert_close(crowded.gold, plain.gold)
    assert not unlike("directed by", "film director")
    assert unlike("born in", "place of death")


def test_what_comes_in_reach_by_a_key_is_paired_with_it_while_two_more_are_read() -> None:
    directed, born = LabelledKey("directed by", FORWARD), LabelledKey("born in", FORWARD)
    pair = ((directed, born),)
    choices = (Choice((directed,), directed, further=pair), Choice((directed,), End.STOP, further=pair))
    late = (*choices[:1], Choice((directed,), directed), Choice((directed,), End.STOP, further=pair))
    without_topic = (Choice((directed,), directed, Manner.MOST, further=pair),)
    batch = path_batch(
        [
            PathEpisode(f"where is the director of {MENTION} from", choices),
            PathEpisode(f"who made {MENTION}", late),
            PathEpisode("which film has the most directors", without_topic),
        ],
        make_cutter(),
    )
    assert batch.further.tolist() == [[0, 0, 0, 1], [0, 1, 0, 1], [1, 0, 0, 1]]
