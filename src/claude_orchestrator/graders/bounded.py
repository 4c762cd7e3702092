"""Matching that may take for ever, done in a process of its own that is stopped when its time is over.

``python -m claude_orchestrator.graders.bounded`` reads one JSON document and writes one: a list of what is wrong.
A regular expression (also one in a JSON Schema) can take exponential time on a text that was made for it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from typing import Any, Final

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.workspace.process import scrubbed_environment

TIMEOUT_S: Final = 10.0
"""How long one match may take."""

_SHOWN: Final = 20


def faults_of(question: dict[str, Any], timeout_s: float = TIMEOUT_S) -> list[str]:
    """What is wrong with a text, asked of the other process. Raises VerificationError when it gives no answer."""
    python_path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", __name__],
            input=json.dumps(question).encode(),
            capture_output=True,
            check=True,
            timeout=timeout_s,
            env=scrubbed_environment(python_path),
        )
        return [str(line) for line in json.loads(done.stdout)]
    except subprocess.TimeoutExpired:
        return [f"could not be matched within {timeout_s:g} s: the pattern may need endless time on this text"]
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise VerificationError(f"the text could not be matched ({said[-1] if said else 'no message'})") from error


def regex_faults(pattern: str, text: str, *, ignore_case: bool) -> list[str]:
    """Whether the text has a place that matches."""
    found = re.search(pattern, text, re.IGNORECASE if ignore_case else 0)
    return [] if found else [f"nothing matches {pattern!r}"]


def schema_faults(schema: Any, value: Any) -> list[str]:
    """Where the value differs from the schema; no schema is fetched from anywhere."""
    validators: Any = import_module("jsonschema.validators")
    nowhere = import_module("referencing").Registry()
    validator = validators.validator_for(schema, default=validators.Draft202012Validator)(schema, registry=nowhere)
    found = sorted(validator.iter_errors(value), key=lambda error: [str(step) for step in error.absolute_path])
    said = [f"{error.json_path}: {' '.join(error.message.split())[:300]}" for error in found[:_SHOWN]]
    return [*said, *([f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else [])]


def _answer(question: dict[str, Any]) -> list[str]:
    if "pattern" in question:
        return regex_faults(question["pattern"], question["text"], ignore_case=question["ignore_case"])
    return schema_faults(question["schema"], question["value"])


if __name__ == "__main__":
    json.dump(_answer(json.load(sys.stdin)), sys.stdout)
