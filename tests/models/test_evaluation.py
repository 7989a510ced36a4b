from models.episodes import MENTION
from models.evaluation import AskedQuestion, answers_of, read_all, score
from models.reader import Reader
from tests.models.factories import make_cutter, make_inference, make_memory


def make_reader() -> Reader:
    return Reader(make_inference(), make_cutter(), "random")


def test_questions_are_scored_by_their_number_of_hops() -> None:
    asked = [
        AskedQuestion(f"who directed {MENTION}", "kismet", frozenset({"dieterle"}), 1),
        AskedQuestion(f"how tall is {MENTION}", "kismet", frozenset(), 0),
        AskedQuestion(f"where was the director of {MENTION} born", "salome", frozenset({"ludwigshafen"}), 2),
    ]
    scores = score(make_reader(), make_memory(), asked)
    assert list(scores) == [0, 1, 2]
    for row in scores.values():
        summary = row.summary()
        assert summary.pop("questions") == 1
        assert all(0 <= value <= 1 for value in summary.values())


def test_answers_are_those_of_the_best_chain() -> None:
    asked = [AskedQuestion(f"who directed {MENTION}", "kismet", frozenset({"dieterle"}), 1)]
    (read,) = read_all(make_reader(), make_memory(), asked)
    assert read.answers == tuple(answers_of(make_memory(), read.chains))
    assert answers_of(make_memory(), ()) == []
