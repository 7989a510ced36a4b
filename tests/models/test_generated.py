from collections.abc import Callable
from itertools import product
from random import Random

import pytest

from models.episodes import (
    MAX_READS,
    MAX_STEPS,
    MENTION,
    OTHER,
    VALUE,
    Asked,
    Choice,
    End,
    LabelledKey,
    Manner,
    PathEpisode,
    manners,
)
from models.tasks.claims import claim
from models.tasks.generated import LEXICON, SMALL_TALK, GeneratedTask
from models.tasks.grammar import Lexicon
from models.tasks.inventions import Vocabulary
from models.tasks.peers import common, peers
from models.tasks.plans import Plan, Planned, Steps, kinds
from models.tasks.questions import comparison, condition, count, path, question
from models.tasks.superlatives import superlative
from models.tasks.unsaid import by_kind, shortcut
from models.tasks.wording import bounds, degrees_of

VOCABULARY = Vocabulary(["launch site", "known as", "sponsor"], ["amber", "torque", "lantern"], {"amber": ("gold",)})
STEPS = Steps(Lexicon.read(LEXICON), VOCABULARY, 0.2)
NAMED = (Manner.KEEP, Manner.ABOVE, Manner.BELOW)


def draw(count: int, wrong: float = 0.0, missing: float = 0.0) -> list[PathEpisode]:
    task = GeneratedTask(STEPS.lexicon, VOCABULARY, wrong, missing, 0.3)
    random = Random(11)
    return [task.episode(random) for _ in range(count)]


def uses(episode: PathEpisode) -> list[Choice]:
    return [choice for choice in episode.choices if isinstance(choice.gold, LabelledKey)]


def test_an_episode_asks_for_steps_that_are_possible_and_in_reach() -> None:
    for episode in draw(600):
        assert 1 <= len(episode.choices) <= MAX_STEPS
        assert sum(choice.manner is Manner.READ for choice in uses(episode)) <= MAX_READS
        for hop, choice in enumerate(episode.choices):
            assert len(set(choice.reach)) == len(choice.reach)
            if isinstance(choice.gold, LabelledKey):
                assert choice.gold in choice.reach
                assert choice.manner in manners(episode.question, hop)
        assert len(uses(episode)) == MAX_STEPS or isinstance(episode.choices[-1].gold, End)


def test_questions_of_all_kinds_are_drawn() -> None:
    episodes = draw(1500)
    assert {episode.asked for episode in episodes} == set(Asked)
    assert {choice.manner for episode in episodes for choice in uses(episode)} == set(Manner)
    assert {len(uses(episode)) for episode in episodes} == {0, 1, 2, 3, 4}
    assert {episode.question.count(MENTION) for episode in episodes} == {0, 1, 2}


@pytest.mark.parametrize(
    "maker", [path, condition, count, claim, superlative, comparison, peers, common, shortcut, by_kind]
)
def test_each_step_that_compares_has_its_name_in_the_text(maker: Callable[[Steps, Random], Plan | None]) -> None:
    random = Random(5)
    for _ in range(300):
        plan = maker(STEPS, random)
        if plan is None:
            continue
        named = sum(step.manner in NAMED for step in plan.steps)
        assert plan.text.count(OTHER) + plan.text.count(VALUE) == named, plan.text
        assert (plan.asked is Asked.WHETHER) == (maker is claim)
        assert plan.asked is not Asked.COUNT or maker in (count, shortcut, by_kind)
        for step, kind in zip(plan.steps, kinds(plan), strict=False):
            assert step.side.source == kind
        assert "{" not in plan.text
        assert "  " not in plan.text


def from_film_or_person(noun: str) -> Planned:
    """The lexicon's relation of this noun."""
    return next(
        Planned(relation, number)
        for sides in STEPS.lexicon.sides_from.values()
        for relation, number in sides
        if any(known.one == noun for known in relation.sides[number].nouns)
    )


@pytest.mark.parametrize(
    ("noun", "more", "less"),
    [
        ("age", "older", "younger"), ("birth date", "younger", "older"), ("length", "longer", "shorter"),
        ("price", "more expensive", "cheaper"), ("founding year", "newer", "older"), ("depth", "deeper", "shallower"),
    ],
)  # fmt: skip
def test_adjectives_compare_in_the_right_direction(noun: str, more: str, less: str) -> None:
    step = from_film_or_person(noun)
    for manner, word, other in ((Manner.MOST, more, less), (Manner.LEAST, less, more)):
        words = [degree.comparative for degree in degrees_of(step, manner, STEPS)]
        assert word in words
        assert other not in words


def test_times_and_numbers_compare_in_the_right_direction() -> None:
    words = {
        Manner.ABOVE: ("after", "since", "later", "more", "over", "above", "at least", "higher", "greater"),
        Manner.BELOW: ("before", "until", "earlier", "less", "under", "below", "at most", "lower", "fewer"),
    }
    random = Random(3)
    for noun, beside in product(("release year", "birth date", "price", "population"), (True, False)):
        for manner, other in ((Manner.ABOVE, Manner.BELOW), (Manner.BELOW, Manner.ABOVE)):
            texts = bounds(from_film_or_person(noun), manner, STEPS, beside_entity=beside, random=random)
            said = " ".join(texts)
            for double in ("no earlier than", "no later than", "no less than", "no more than"):
                said = said.replace(double, "")
            for adjective in ("expensive", "recent", "populous", "populated"):
                said = said.replace(f"more {adjective}", "").replace(f"less {adjective}", "")
            assert texts
            assert not any(f" {word} " in said for word in words[other]), said


def test_a_wrong_mention_is_to_be_rejected_at_once() -> None:
    assert all([choice.gold for choice in episode.choices] == [End.REJECT] for episode in draw(100, wrong=1.0))


def test_small_talk_is_to_be_rejected() -> None:
    chats = [episode for episode in draw(300, wrong=1.0) if MENTION not in episode.question]
    lines = SMALL_TALK.read_text(encoding="utf-8").splitlines()
    assert any(episode.question.rstrip(" ?") in lines for episode in chats)


def test_a_key_taken_away_is_to_be_rejected_where_it_lacks() -> None:
    for episode in draw(100, missing=1.0):
        assert episode.choices[-1].gold == End.REJECT
        assert all(isinstance(choice.gold, LabelledKey) for choice in episode.choices[:-1])


def test_a_question_drawn_can_be_asked() -> None:
    random = Random(3)
    for _ in range(500):
        plan = question(STEPS, random)
        assert len(plan.steps) <= MAX_STEPS
        assert all(step.manner in manners(plan.text, hop) for hop, step in enumerate(plan.steps))


def test_the_same_seed_draws_the_same_episodes() -> None:
    assert draw(20, 0.1, 0.1) == draw(20, 0.1, 0.1)


def test_both_directions_are_asked() -> None:
    directions = [c.gold.direction for e in draw(200) for c in e.choices if isinstance(c.gold, LabelledKey)]
    assert 0.3 < sum(directions) / len(directions) < 0.7
