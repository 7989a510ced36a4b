import pytest

from models.metrics import exact_set, hits_at_1, mean, set_f1

CASES = [
    ((), (), 0.0, 1.0, 1.0),
    (("a",), ("a",), 1.0, 1.0, 1.0),
    (("b", "a"), ("a",), 0.0, 2 / 3, 0.0),
    (("a", "b"), ("a", "c"), 1.0, 0.5, 0.0),
    ((), ("a",), 0.0, 0.0, 0.0),
    (("a",), (), 0.0, 0.0, 0.0),
]


@pytest.mark.parametrize(("answers", "gold", "hits", "f1", "exact"), CASES)
def test_scores_of_an_answer_set(
    answers: tuple[str, ...], gold: tuple[str, ...], hits: float, f1: float, exact: float
) -> None:
    assert (hits_at_1(answers, gold), set_f1(answers, gold), exact_set(answers, gold)) == pytest.approx(
        (hits, f1, exact)
    )


def test_the_mean_of_nothing_is_zero() -> None:
    assert mean([]) == 0.0
