from random import Random

from models.episodes import MENTION, End, LabelledKey, PathEpisode
from models.tasks.generated import MAX_HOPS, GeneratedTask
from models.tasks.inventions import Vocabulary

VOCABULARY = Vocabulary(["launch site", "known as", "sponsor"], ["amber", "torque", "lantern"], {"amber": ("gold",)})


def draw(count: int, wrong: float = 0.0, missing: float = 0.0) -> list[PathEpisode]:
    task = GeneratedTask(VOCABULARY, wrong, missing, 0.3)
    random = Random(11)
    return [task.episode(random) for _ in range(count)]


def test_an_episode_asks_for_a_path_that_is_in_reach() -> None:
    for episode in draw(300):
        assert episode.question.count(MENTION) == 1
        assert 1 <= len(episode.choices) <= MAX_HOPS
        keys = [choice.gold for choice in episode.choices if isinstance(choice.gold, LabelledKey)]
        assert keys
        for choice in episode.choices:
            assert isinstance(choice.gold, End) or choice.gold in choice.reach
            assert len(set(choice.reach)) == len(choice.reach)
        assert len(keys) == MAX_HOPS or episode.choices[-1].gold == End.STOP


def test_paths_have_one_to_three_hops() -> None:
    lengths = {sum(isinstance(choice.gold, LabelledKey) for choice in episode.choices) for episode in draw(100)}
    assert lengths == {1, 2, 3}


def test_a_wrong_mention_is_to_be_rejected_at_once() -> None:
    assert all([choice.gold for choice in episode.choices] == [End.REJECT] for episode in draw(50, wrong=1.0))


def test_a_key_taken_away_is_to_be_rejected_where_it_lacks() -> None:
    for episode in draw(50, missing=1.0):
        assert episode.choices[-1].gold == End.REJECT
        assert all(isinstance(choice.gold, LabelledKey) for choice in episode.choices[:-1])


def test_the_same_seed_draws_the_same_episodes() -> None:
    assert draw(20, 0.1, 0.1) == draw(20, 0.1, 0.1)


def test_both_directions_are_asked() -> None:
    directions = [c.gold.direction for e in draw(200) for c in e.choices if isinstance(c.gold, LabelledKey)]
    assert 0.3 < sum(directions) / len(directions) < 0.7
