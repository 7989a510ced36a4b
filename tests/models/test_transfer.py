"""The shipped reader on knowledge bases that it has never seen, topics given."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

import pytest

from kb.context import ContextEncoder
from models.evaluation import Read, read_all
from models.reader import Reader
from models.threads import limit_threads
from tests.models import transfer

LEAST_EXACT = {1: 0.88, 2: 0.9, 3: 0.8}


@pytest.fixture(scope="module")
def reads() -> Sequence[Read]:
    limit_threads(1)
    reader = Reader.load(encoder=ContextEncoder())
    return [read for name in transfer.NAMES for read in read_all(reader, *transfer.load(name))]


@pytest.mark.parametrize("name", transfer.NAMES)
def test_each_set_has_forty_questions_with_one_to_three_hops(name: str) -> None:
    _, questions = transfer.load(name)
    assert len(questions) >= 40
    assert {question.hops for question in questions} == {0, 1, 2, 3}


def test_answer_sets_on_unseen_kbs_are_right(reads: Sequence[Read]) -> None:
    right: defaultdict[int, list[bool]] = defaultdict(list)
    for read in reads:
        right[read.question.hops].append(set(read.answers) == read.question.answers)
    shares = {hops: fmean(right[hops]) for hops in LEAST_EXACT}
    assert all(shares[hops] >= least for hops, least in LEAST_EXACT.items()), shares


def test_what_a_kb_does_not_say_is_rarely_believed(reads: Sequence[Read]) -> None:
    unanswerable = [read for read in reads if not read.question.answers]
    believed = [read for read in unanswerable if read.answers and read.chains[0].probability > 0.5]
    assert len(believed) <= 0.2 * len(unanswerable), [read.question.text for read in believed]
