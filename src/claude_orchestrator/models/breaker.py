"""Whether to try a provider now: a circuit breaker, and the time until which its account is parked.

A value that goes from one transition to the next; no clock, no lock, no process. Its rows are in the database
(``state/providers.py``), and a transition is made inside one write transaction, so all windows and processes see one
breaker, and of fifty that ask at once exactly one is let through to try. Ours because the libraries that we measured
(purgatory, aiobreaker, circuitbreaker) keep the state in one process's memory and, once it is time to try again, let
all fifty of fifty through to a provider that is still down.

    closed ── 3 failures in a row ──→ open (30 s) ── the first who asks ──→ half-open: that one alone
      ↑                                 ↑                                      │
      └── any call that succeeds        └────────────── it fails ──────────────┘

A rate limit is no failure: the provider has answered, and wants to be left alone. It parks the account.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

State = Literal["closed", "open", "half_open"]

LONGEST_PARK_S: Final = 31 * 86400.0
"""A reset time that is further away than this is taken for a mistake, and for none."""

SLACK_S: Final = 5.0
"""A clock that is behind the latest change by more than this has been put back."""


@dataclass(frozen=True)
class Rules:
    """When a breaker opens, and for how long; times in seconds."""

    failures: int = 3
    """This many failures in a row, without any success between them, open it."""
    open_s: float = 30.0
    """How long nobody is let through."""
    probe_s: float = 120.0
    """How long the one that tries is waited for before another may: it may have died."""
    park_base_s: float = 2.0
    """The first park after a rate limit without a reset time; it doubles with each that follows in a row."""
    park_cap_s: float = 60.0
    """The longest park without a reset time."""


@dataclass(frozen=True)
class Admission:
    """Whether somebody may try now; if not, until when not, and why."""

    allowed: bool
    until: float = 0.0
    why: str = ""


ADMITTED: Final = Admission(allowed=True)


@dataclass(frozen=True)
class Breaker:
    """What is known of one provider's health. Times are seconds since the epoch; every method returns a new value."""

    state: State = "closed"
    failures: int = 0
    """Failures in a row."""
    until: float = 0.0
    """``open``: when somebody may try; ``half_open``: until when the one that tries is waited for."""
    probe: str = ""
    """``half_open``: who tries."""
    parked_until: float = 0.0
    """The account is parked until then; in the past: it is not."""
    limits: int = 0
    """Rate limits in a row."""
    since: float = 0.0
    """When this was last changed."""
    why: str = ""
    """The failure or the limit that came last, in one line."""

    def steady(self, now: float) -> Breaker:
        """The same as of ``now``: when the clock has been put back since, all waits are as long as they were then."""
        shift = now - self.since
        if shift > -SLACK_S:
            return self
        parked_until = max(0.0, self.parked_until + shift)
        return replace(self, until=self.until + shift, parked_until=parked_until, since=now)

    def look(self, now: float) -> Admission:
        """Whether somebody may try; whoever then does must :meth:`enter` in the same transaction."""
        if now < self.parked_until:
            return Admission(False, self.parked_until, self.why or "rate limit")
        if self.state == "open" and now < self.until:
            return Admission(False, self.until, self.why or "it has failed")
        if self.state == "half_open" and now < self.until:
            return Admission(False, self.until, f"{self.probe} tries whether it works again")
        return ADMITTED

    def enter(self, who: str, now: float, rules: Rules) -> Breaker:
        """``who`` goes; where the breaker is not closed, as the only one."""
        if self.state == "closed":
            return self
        return replace(self, state="half_open", probe=who, until=now + rules.probe_s, since=now)

    def succeeded(self, now: float) -> Breaker:
        """The provider has done what it was asked for. A park stays: it is the account's, not this call's."""
        limits = self.limits if now < self.parked_until else 0
        if self.state == "closed" and not self.failures and limits == self.limits:
            return self
        return replace(self, state="closed", failures=0, until=0.0, probe="", limits=limits, since=now)

    def failed(self, who: str, why: str, now: float, rules: Rules) -> Breaker:
        """The provider did not answer, or had trouble of its own.

        While it is open, those that went before it opened say nothing new; while one tries, only that one counts.
        """
        if self.state == "half_open" and who == self.probe:
            return replace(self, state="open", until=now + rules.open_s, probe="", since=now, why=why)
        if self.state != "closed":
            return self
        failures = self.failures + 1
        if failures < rules.failures:
            return replace(self, failures=failures, since=now, why=why)
        return replace(self, state="open", failures=failures, until=now + rules.open_s, since=now, why=why)

    def limited(self, retry_at: float | None, why: str, now: float, rules: Rules, jitter: float) -> Breaker:
        """The account has used what it may for now: nobody goes before ``retry_at``, where the provider has said it.

        Without a time the wait grows with every limit in a row, times ``jitter`` (0.5 to 1). Those that went before
        the account was parked make it no longer, unless they know the time.
        """
        answered = replace(self, state="closed", failures=0, until=0.0, probe="", since=now, why=why)
        if retry_at is not None and now < retry_at <= now + LONGEST_PARK_S:
            limits = self.limits if now < self.parked_until else self.limits + 1
            return replace(answered, parked_until=max(self.parked_until, retry_at), limits=limits)
        if now < self.parked_until:
            return answered
        wait = min(rules.park_cap_s, rules.park_base_s * math.pow(2.0, min(self.limits, 32)))
        return replace(answered, parked_until=now + wait * jitter, limits=self.limits + 1)

    def left(self, who: str, now: float) -> Breaker:
        """``who`` has ended without a word about the provider: if it was the one that tried, the next may."""
        if self.state != "half_open" or who != self.probe:
            return self
        return replace(self, state="open", until=now, probe="", since=now)
