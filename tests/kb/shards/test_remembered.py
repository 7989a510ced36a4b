from kb.shards.remembered import Remembered


def test_what_was_asked_for_last_is_kept() -> None:
    found: Remembered[str, int] = Remembered(2)
    found.put("a", 1)
    found.put("b", 2)
    assert found.get("a") == 1
    found.put("c", 3)

    assert [found.get(key) for key in "abc"] == [1, None, 3]


def test_all_together_weigh_no_more_than_they_may() -> None:
    found: Remembered[str, int] = Remembered(10)
    found.put("a", 1, 6)
    found.put("a", 2, 4)
    found.put("b", 3, 6)
    assert [found.get(key) for key in "ab"] == [2, 3]
    found.put("c", 4, 1)

    assert [found.get(key) for key in "abc"] == [None, 3, 4]


def test_one_that_is_too_heavy_is_kept_alone() -> None:
    found: Remembered[str, int] = Remembered(10)
    found.put("a", 1, 3)
    found.put("b", 2, 30)

    assert [found.get(key) for key in "ab"] == [None, 2]
