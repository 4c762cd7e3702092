"""Fuzz the operation classifier, led by coverage, with atheris (which is not among our dependencies).

    .venv/bin/python -m pip install atheris
    .venv/bin/python -m benchmarks.classifier_fuzz --seconds 300

The first byte chooses the kind, the rest is the operation. It is an error when an exception escapes, when there is no
verdict, or when a dangerous operation is SAFE after lines were added to it. Exit 2 if atheris is missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

LONGEST = 20_000


def main(arguments: list[str]) -> int:
    """Fuzz until the time is over; atheris's own exit code when it found something (and the input in this folder)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classifier_fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if importlib.util.find_spec("atheris") is None:
        print(
            "error: atheris is not installed: run 'python -m pip install atheris' in this environment", file=sys.stderr
        )
        return 2
    if options.seeds is not None:
        fuzz(options.seeds, options.seconds, options.seed)
    # The fuzzer ends its process without any cleaning up: it gets one of its own.
    with tempfile.TemporaryDirectory(prefix="classifier-fuzz-") as folder:
        write_seeds(Path(folder))
        child = [sys.executable, "-m", "benchmarks.classifier_fuzz", "--seeds", folder, *arguments]
        return subprocess.run(child, check=False).returncode


def write_seeds(folder: Path) -> None:
    """One file a labelled operation: its kind's number as a byte, then its text."""
    from corpus.labelled import groups

    from claude_orchestrator.safety.rows import KINDS

    kinds = sorted(KINDS)
    for number, row in enumerate(row for rows in groups().values() for row in rows):
        data = bytes([kinds.index(row.kind)]) + row.op.encode("utf-8", "surrogateescape")
        (folder / str(number)).write_bytes(data)


def fuzz(seeds: Path, seconds: int, seed: int) -> None:
    """Let atheris judge what it makes of the seeds. Does not return."""
    import atheris
    from corpus.labelled import STRICTNESS
    from corpus.variants import BASES

    with atheris.instrument_imports(include=["claude_orchestrator.safety"]):
        from claude_orchestrator.safety.policy import Policy
        from claude_orchestrator.safety.rows import KINDS, judge_row

    kinds = sorted(KINDS)
    dangerous = [base.text for base in BASES if base.verdict != "safe"]
    place = "/home/dev/project"

    def verdict(op: str, kind: str) -> str:
        answer = judge_row({"op": op, "kind": kind, "cwd": place, "workspace": place}, Policy())["verdict"]
        if answer not in STRICTNESS:
            raise AssertionError(f"no verdict on {kind} {op!r}: {answer!r}")
        return str(answer)

    def once(data: bytes) -> None:
        if not data:
            return
        text = data[1 : LONGEST + 1].decode("utf-8", "surrogateescape")
        verdict(text, kinds[data[0] % len(kinds)])
        base = dangerous[data[0] % len(dangerous)]
        if verdict(f"{base}\n{text}", "shell") == "safe":
            raise AssertionError(f"safe: {base!r} followed by {text!r}")

    limits = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-seed={seed}",
        "-timeout=5",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={Path.cwd()}/", str(seeds)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
