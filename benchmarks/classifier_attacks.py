"""Attack the operation classifier: variants of known operations that must not look safer, and texts that take long.

    python -m benchmarks.classifier_attacks --variants 100000

Nothing is ever executed; the operations are texts. Times are CPU times. Exit 1 if any variant got a safer verdict than
its operation, or a text took more than 50 ms.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from corpus.labelled import STRICTNESS, groups
from corpus.variants import variants

from claude_orchestrator.safety.classifier import classify
from claude_orchestrator.safety.operations import Operation
from claude_orchestrator.safety.policy import Policy
from claude_orchestrator.safety.rows import KINDS, judge_row

Answer = TypeVar("Answer")

PLACE = "/home/dev/project"
LONGEST = 20_000


def main(arguments: list[str]) -> int:
    """Print the figures; 1 when a variant was judged safer than its operation, or an answer took too long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classifier_attacks", description=__doc__)
    parser.add_argument("--variants", type=int, default=100_000, help="how many variants (default: 100000)")
    parser.add_argument("--texts", type=int, default=2_000, help="how many long random texts (default: 2000)")
    parser.add_argument("--seed", type=int, default=1, help="draw others with another seed")
    parser.add_argument("--show", type=int, default=20, help="how many of the safer variants to print")
    options = parser.parse_args(arguments)
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}"
    )
    safer = attack(options.variants, options.seed, options.show)
    corpus_times()
    slow = long_texts(options.texts, options.seed)
    return 1 if safer or slow else 0


def attack(number: int, seed: int, show: int) -> int:
    """Judge the variants and print what came of them. How many were judged safer than their operation."""
    policy = Policy()
    safer: list[tuple[str, str, str]] = []
    times: list[float] = []
    texts: set[int] = set()
    kept: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    for base, text in variants(number, seed):
        operation = Operation("run", PLACE, text)
        taken, verdict = _timed(lambda operation=operation: classify(operation, policy).decision.lower())
        policy.cache.clear()
        times.append(taken)
        texts.add(hash(text))
        drawn[base.verdict] += 1
        kept[base.verdict] += verdict == base.verdict
        if STRICTNESS[verdict] < STRICTNESS[base.verdict]:
            safer.append((base.text, verdict, text))
    print(f"variants                       {number} ({len(texts)} different), seed {seed}")
    print(f"safer than their operation     {len(safer)}")
    for verdict, count in drawn.items():
        print(f"  of {verdict + ' ones, unchanged':<27} {kept[verdict]} of {count} ({kept[verdict] / count:.1%})")
    _print_times("time a variant", times)
    for base_text, verdict, text in safer[:show]:
        print(f"  {base_text!r} became {verdict}: {text!r}")
    return len(safer)


def corpus_times() -> None:
    """Print how long one classification of the labelled shell and git operations takes, nothing remembered."""
    policy = Policy()
    rows = [row for rows in groups().values() for row in rows if row.kind in ("shell", "git")]
    operations = [Operation("run", row.cwd, row.op, workspace=row.workspace) for row in rows]
    for operation in operations:
        classify(operation, policy)
    times = []
    for operation in operations:
        policy.cache.clear()
        times.append(min(_timed(lambda operation=operation: _uncached(operation, policy))[0] for _ in range(3)))
    _print_times(f"time a labelled command ({len(times)})", times)


def long_texts(number: int, seed: int) -> int:
    """Judge random texts of up to 20,000 characters in every kind. How many took more than 50 ms."""
    chance = random.Random(seed)
    rows = [row.op for rows in groups().values() for row in rows]
    makers: list[Callable[[], str]] = [
        lambda: "".join(chr(chance.randrange(1, 256)) for _ in range(LONGEST)),
        lambda: "".join(chance.choice("'\"`$(){}[]<>|&;#\\\n a=") for _ in range(chance.randrange(LONGEST))),
        lambda: chance.choice(["\n", "; ", " && ", " | ", " "]).join(chance.choices(rows, k=500))[:LONGEST],
        lambda: (chance.choice(rows) + chance.choice(["\n", ";", " ", "("])) * LONGEST,
        lambda: "".join(chance.choices(["(", "$(", "{a,", "}", "`", "${x:-", "<(", "[[ ", "if ", "\n"], k=6)) * LONGEST,
    ]
    times = []
    slowest = (0.0, "", "")
    for index in range(number):
        kind = chance.choice(sorted(KINDS)) if index % 2 else "shell"
        text = makers[index % len(makers)]()[:LONGEST]
        row = {"op": text, "kind": kind, "cwd": PLACE, "workspace": PLACE}
        taken, _ = _timed(lambda row=row: judge_row(row, Policy()))
        times.append(taken)
        slowest = max(slowest, (taken, kind, text[:60]))
    _print_times(f"time a text of up to {LONGEST} characters", times)
    print(f"  slowest: a {slowest[1]} that begins with {slowest[2]!r}")
    slow = sum(taken > 0.05 for taken in times)
    print(f"  more than 50 ms                {slow} of {number}")
    return slow


def _uncached(operation: Operation, policy: Policy) -> object:
    policy.cache.clear()
    return classify(operation, policy)


def _timed(ask: Callable[[], Answer]) -> tuple[float, Answer]:
    start = time.process_time()
    answer = ask()
    return time.process_time() - start, answer


def _print_times(what: str, times: list[float]) -> None:
    ordered = sorted(times)

    def part(share: float) -> str:
        return f"{ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e6:.0f}"

    print(f"{what}: p50 {part(0.5)} µs, p99 {part(0.99)} µs, most {part(1)} µs")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
