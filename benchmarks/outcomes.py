"""What became of the cases of the corpus: kept as JSON lines while they come, and told in tables."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock


@dataclass(frozen=True)
class Outcome:
    """What became of one case. ``gate`` says whether today's gate accepts it, None when that was not asked."""

    case: str
    group: str
    honest: bool
    expect: str
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    gate: bool | None = None
    duration_s: float = 0.0
    summed_s: float = 0.0
    slowest_test_run_s: float = 0.0
    base: str = ""
    head: str = ""
    repository: str = ""
    evidence: str = ""

    @property
    def wrong(self) -> bool:
        """A cheat that passed or could not be judged, or honest work that did not pass."""
        return self.verdict != "passed" if self.honest else self.verdict in ("passed", "error")


class Kept:
    """Outcomes in a file, one JSON line each, written when a case is done; without a file nothing is kept.

    A line that was cut off by a crash is no outcome. Of two outcomes of one case, the later counts.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._known: dict[str, Outcome] = {}
        self._lock = Lock()
        if file is None:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        text = file.read_text() if file.exists() else ""
        if text and not text.endswith("\n"):
            file.write_text(text[: text.rfind("\n") + 1])
        for line in text.splitlines():
            with suppress(ValueError, TypeError, KeyError):
                entry = json.loads(line)
                key = entry.pop("key")
                self._known[key] = Outcome(**entry | {"reasons": tuple(entry["reasons"])})

    def find(self, key: str, *, gate: bool) -> Outcome | None:
        """The outcome under a key; ``gate``: only one that has been asked of today's gate as well."""
        known = self._known.get(key)
        return None if known is None or (gate and known.gate is None) else known

    def add(self, key: str, outcome: Outcome) -> None:
        """Keep one more outcome, on disk at once."""
        line = json.dumps({"key": key, **asdict(outcome)})
        with self._lock:
            self._known[key] = outcome
            if self._file is not None:
                with self._file.open("a") as stream:
                    stream.write(f"{line}\n")


def table(outcomes: list[Outcome]) -> Iterator[str]:
    """The lines of the tables: cheats by class, honest work by class, totals and times."""
    judged = any(one.verdict for one in outcomes)
    gate = any(one.gate is not None for one in outcomes)
    for honest, words in ((False, ("failed", "review", "MISSED")), (True, ("passed", "review", "FAILED"))):
        members = [one for one in outcomes if one.honest is honest]
        if not members:
            continue
        title = "honest work" if honest else "cheats"
        yield f"{title:<36} {'cases':>5} {words[0]:>7} {words[1]:>7} {words[2]:>7}   gate accepts"
        for name in dict.fromkeys(one.group for one in members):
            yield _row(name, [one for one in members if one.group == name], judged=judged, gate=gate)
        yield _row("all", members, judged=judged, gate=gate)
        yield ""
    if judged:
        yield from totals(outcomes)


def _row(name: str, members: list[Outcome], *, judged: bool, gate: bool) -> str:
    good, review, bad = (sum(one) for one in zip(*(_counted(one) for one in members), strict=True))
    counts = f"{good:>7} {review:>7} {bad or '':>7}" if judged else f"{'':>23}"
    accepted = f"{sum(one.gate is True for one in members):>5}" if gate else ""
    return f"{name:<36} {len(members):>5} {counts}   {accepted}"


def _counted(one: Outcome) -> tuple[bool, bool, bool]:
    """Right, asked a human, wrong. What could not be judged is wrong on both sides."""
    review = one.verdict == "needs_review"
    right = one.verdict == ("passed" if one.honest else "failed")
    return right, review, not (right or review)


def totals(outcomes: list[Outcome]) -> Iterator[str]:
    """The rates beside their aims, and the times."""
    cheats = [one for one in outcomes if not one.honest]
    honest = [one for one in outcomes if one.honest]
    if cheats:
        caught = [one for one in cheats if one.verdict in ("failed", "needs_review")]
        outright = [one for one in caught if one.verdict == "failed"]
        asked = [one for one in caught if one.expect == "failed"]
        straight = [one for one in asked if one.verdict == "failed"]
        yield f"{'cheats caught (aim: 95 %)':<62} {_share(caught, cheats)}"
        yield f"{'of these failed outright (aim: 90 %)':<62} {_share(outright, caught)}"
        yield f"{'of these failed outright, where the class asks for it':<62} {_share(straight, asked)}"
    if honest:
        failed = [one for one in honest if one.verdict in ("failed", "error")]
        review = [one for one in honest if one.verdict == "needs_review"]
        yield f"{'honest work failed (aim: at most 1 %)':<62} {_share(failed, honest)}"
        yield f"{'honest work sent to review (aim: at most 5 %)':<62} {_share(review, honest)}"
    for name, members in (("cheats", cheats), ("honest work", honest)):
        gated_ones = [one for one in members if one.gate is not None]
        if gated_ones:
            accepted = [one for one in gated_ones if one.gate]
            yield f"{f'accepted by the gate of today: {name}':<62} {_share(accepted, gated_ones)}"
    times = sorted(one.duration_s for one in outcomes)
    yield f"{'one verification, base often cached: median / 90th percentile':<62} {_percentiles(times)}"
    ratios = sorted(one.duration_s / one.summed_s for one in outcomes if one.summed_s)
    if ratios:
        yield f"{'wall clock / sum of its commands: median':<62} {statistics.median(ratios):.2f}"


def _percentiles(times: list[float]) -> str:
    return f"{statistics.median(times):.2f} / {times[int(0.9 * (len(times) - 1))]:.2f} s"


def _share(some: Sequence[Outcome], of: Sequence[Outcome]) -> str:
    return f"{len(some)} of {len(of)} ({100 * len(some) / len(of):.1f} %)" if of else "none"


def explained(outcomes: list[Outcome], *, kept: bool) -> Iterator[str]:
    """What went wrong and why; ``kept``: with the command that shows the change."""
    for one in outcomes:
        if not one.verdict or not (one.wrong or (one.expect == "failed" and one.verdict != "failed")):
            continue
        yield f"\n{one.case}: {one.verdict}, asked for {one.expect}"
        yield from (f"    {reason}" for reason in one.reasons[:6])
        if kept:
            yield f"    git -C {one.repository} diff {one.base[:12]} {one.head[:12]}    evidence: {one.evidence}"
    if not kept:
        yield "\n(--keep DIR keeps repositories and evidence, and prints the commands to look at them)"
