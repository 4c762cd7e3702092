"""The circuit breaker as a value: every transition, at times that the test chooses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_orchestrator.models.breaker import ADMITTED, LONGEST_PARK_S, Breaker, Rules

RULES = Rules()


def broken(at: float = 0.0) -> Breaker:
    """Open since ``at``."""
    one = Breaker(since=at)
    for who in ("a", "b", "c"):
        assert one.look(at).allowed
        one = one.failed(who, "overloaded", at, RULES)
    return one


def probed(at: float = 30.0) -> Breaker:
    """Half-open since ``at``: p tries."""
    return broken(at - 30).enter("p", at, RULES)


def test_three_failures_in_a_row_open_it_for_half_a_minute() -> None:
    one = broken(100)
    assert one.state == "open"
    assert (one.look(100).allowed, one.look(129.9).until, one.look(129.9).why) == (False, 130, "overloaded")
    assert one.look(130) == ADMITTED


def test_a_success_between_them_starts_the_count_again() -> None:
    one = Breaker()
    for _ in range(10):
        one = one.failed("a", "", 1, RULES).failed("b", "", 1, RULES).succeeded(1)
    assert one.state == "closed"
    assert one.failures == 0


def test_closed_it_lets_everybody_through_and_nothing_changes() -> None:
    one = Breaker()
    assert one.enter("a", 5, RULES) is one
    assert one.succeeded(5) is one


def test_one_alone_tries_and_its_success_closes_it() -> None:
    one = probed()
    assert one.state == "half_open"
    refused = one.look(31)
    assert (refused.allowed, refused.until) == (False, 150)
    assert "p tries" in refused.why
    assert one.succeeded(40) == Breaker(since=40, why="overloaded")


def test_its_failure_opens_it_again_for_as_long() -> None:
    one = probed().failed("p", "still", 40, RULES)
    assert (one.state, one.until, one.why) == ("open", 70, "still")


def test_only_the_one_that_tries_is_listened_to() -> None:
    assert probed().failed("a", "late", 40, RULES) == probed()
    assert probed().left("a", 40) == probed()
    assert broken().failed("d", "late", 10, RULES) == broken(), "late failures keep it open no longer"


def test_the_place_of_one_that_ends_without_a_word_is_free_at_once() -> None:
    one = probed().left("p", 35)
    assert one.look(35).allowed
    assert one.enter("q", 35, RULES).probe == "q"


def test_the_place_of_one_that_died_is_free_after_a_time() -> None:
    one = probed()
    assert not one.look(30 + RULES.probe_s - 0.1).allowed
    assert one.look(30 + RULES.probe_s).allowed
    second = one.enter("q", 150, RULES)
    assert second.probe == "q"
    assert second.failed("p", "late", 151, RULES) == second


def test_a_rate_limit_parks_the_account_until_the_time_that_was_said() -> None:
    one = Breaker().limited(7200, "rate limit", 100, RULES, 1.0)
    assert one.state == "closed"
    assert (one.look(7199).allowed, one.look(7199).until) == (False, 7200)
    assert one.look(7200).allowed
    assert one.succeeded(200).parked_until == 7200, "another's call that still succeeds ends no park"


def test_a_later_reset_time_counts_an_earlier_one_does_not() -> None:
    one = Breaker().limited(500, "", 100, RULES, 1.0)
    assert one.limited(400, "", 101, RULES, 1.0).parked_until == 500
    assert one.limited(900, "", 101, RULES, 1.0).parked_until == 900
    assert one.limited(None, "", 101, RULES, 1.0).parked_until == 500


@pytest.mark.parametrize("said", [None, 99.0, 0.0, 100 + LONGEST_PARK_S + 1, 1e15])
def test_without_a_time_that_can_be_believed_the_wait_doubles_up_to_a_minute(said: float | None) -> None:
    one, now, waits = Breaker(), 100.0, []
    for _ in range(8):
        one = one.limited(said if said is None or said < now else now + 1e9, "", now, RULES, 1.0)
        waits.append(one.parked_until - now)
        now = one.parked_until
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert one.succeeded(now).limits == 0


def test_several_that_meet_one_limit_count_once() -> None:
    one = Breaker().limited(None, "", 100, RULES, 1.0)
    assert one.limited(None, "", 100.5, RULES, 1.0).limits == 1


def test_a_rate_limit_is_an_answer() -> None:
    one = probed().limited(100, "rate limit", 40, RULES, 1.0)
    assert (one.state, one.failures, one.look(50).until) == ("closed", 0, 100)


def test_a_clock_that_is_put_back_prolongs_no_wait() -> None:
    parked = Breaker().limited(100_600, "", 100_000, RULES, 1.0)
    back = parked.steady(50_000)
    assert back.look(50_000).until == 50_600
    assert back.steady(50_001) is back
    assert broken(100_000).steady(10).look(10).until == 40
    assert parked.steady(99_999) is parked, "clocks are corrected by a little all the time"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "succeeded", "failed", "limited", "left"]),
        st.sampled_from(["a", "b", "c"]),
        st.floats(0, 200),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_happens_somebody_may_try_in_the_end_and_one_alone_while_it_is_half_open(
    steps: list[tuple[str, str, float]],
) -> None:
    one, now = Breaker(), 1000.0
    for what, who, after in steps:
        now += after
        if what == "enter":
            if one.look(now).allowed:
                one = one.enter(who, now, RULES)
                assert one.state == "closed" or not one.look(now).allowed
        elif what == "succeeded":
            one = one.succeeded(now)
        elif what == "left":
            one = one.left(who, now)
        elif what == "failed":
            one = one.failed(who, "no", now, RULES)
        else:
            one = one.limited(None, "slow", now, RULES, 1.0)
        assert (one.probe != "") == (one.state == "half_open")
        refused = one.look(now)
        assert refused.allowed or now < refused.until <= now + max(RULES.probe_s, RULES.park_cap_s)
    assert replace(one, since=now).look(now + 121).allowed
