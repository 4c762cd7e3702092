import asyncio

import pytest

from relay.limits import Bucket, retry


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_burst_then_nothing() -> None:
    bucket = Bucket(2.0, 3, Clock())
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_bucket_fills_with_time() -> None:
    clock = Clock()
    bucket = Bucket(2.0, 3, clock)
    for _ in range(3):
        bucket.take()
    assert bucket.wait_s() == pytest.approx(0.5)
    clock.now += 0.5
    assert bucket.take()
    assert not bucket.take()


def test_bucket_is_never_above_burst() -> None:
    clock = Clock()
    bucket = Bucket(10.0, 2, clock)
    clock.now += 60
    assert [bucket.take() for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1), (1.0, 0), (-1.0, 1)])
def test_bucket_is_positive(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        Bucket(rate, burst, Clock())


class Flaky:
    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0
        self.waits: list[float] = []

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise ConnectionError(f"call {self.calls}")
        return "done"

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def test_retry_until_it_works() -> None:
    call = Flaky(2)
    assert asyncio.run(retry(call, sleep=call.sleep)) == "done"
    assert call.waits == [0.1, 0.2]


def test_retry_gives_up() -> None:
    call = Flaky(9)
    with pytest.raises(ConnectionError, match="call 3"):
        asyncio.run(retry(call, sleep=call.sleep))
    assert call.calls == 3


def test_retry_waits_no_longer_than_most() -> None:
    call = Flaky(5)
    asyncio.run(retry(call, attempts=6, first_s=1.0, most_s=3.0, sleep=call.sleep))
    assert call.waits == [1.0, 2.0, 3.0, 3.0, 3.0]


def test_retry_passes_other_errors_on() -> None:
    async def broken() -> None:
        raise KeyError("x")

    call = Flaky(0)
    with pytest.raises(KeyError):
        asyncio.run(retry(broken, sleep=call.sleep))
    assert call.waits == []
