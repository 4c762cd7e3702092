from almanac.ranges import contains, gaps, merge


def test_merge_overlapping() -> None:
    assert merge([(5, 9), (1, 6)]) == [(1, 9)]


def test_merge_touching() -> None:
    assert merge([(1, 3), (3, 5)]) == [(1, 5)]


def test_merge_keeps_apart() -> None:
    assert merge([(7, 8), (1, 3)]) == [(1, 3), (7, 8)]


def test_merge_inner() -> None:
    assert merge([(1, 10), (2, 4)]) == [(1, 10)]


def test_merge_drops_empty() -> None:
    assert merge([(4, 4), (6, 5)]) == []


def test_gaps() -> None:
    assert gaps([(2, 4), (6, 7)], (0, 10)) == [(0, 2), (4, 6), (7, 10)]


def test_gaps_outside() -> None:
    assert gaps([(0, 3), (9, 20)], (5, 8)) == [(5, 8)]


def test_no_gaps() -> None:
    assert gaps([(0, 20)], (5, 8)) == []


def test_contains() -> None:
    assert contains([(1, 3), (8, 9)], 8)
    assert not contains([(1, 3), (8, 9)], 3)
    assert not contains([], 1)
