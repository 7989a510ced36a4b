"""Rare collections: only while a block runs, whatever the order in which blocks of several threads end."""

import gc
from contextlib import ExitStack

import pytest

from kb.garbage import RARE_THRESHOLD, rare_collections


def _raise_inside() -> None:
    with rare_collections():
        raise RuntimeError(gc.get_threshold()[0])


def test_the_usual_threshold_comes_back_also_after_an_error() -> None:
    usual = gc.get_threshold()
    with pytest.raises(RuntimeError, match=str(RARE_THRESHOLD)):
        _raise_inside()
    assert gc.get_threshold() == usual


def test_blocks_that_overlap_end_with_the_last_one() -> None:
    usual = gc.get_threshold()
    first, second = ExitStack(), ExitStack()
    first.enter_context(rare_collections())
    second.enter_context(rare_collections())
    first.close()
    assert gc.get_threshold()[0] == RARE_THRESHOLD
    second.close()
    assert gc.get_threshold() == usual
