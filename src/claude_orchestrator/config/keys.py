"""The keys of providers: from the environment, or from a ``.secrets.json`` that nobody else can read.

```json
{"keys": {"ANTHROPIC_API_KEY": "sk-ant-..."}}
```

The environment counts first, then the file in the project's folder, then the one in the home of this program. A key
goes into the environment of the process that needs it and nowhere else: not into the database, not into a file.

Agents can change a project's files. So the one in the project's folder has keys and nothing else: the address that keys
are sent to, or the program that gets them, stands in the environment or in the home's file.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_orchestrator.errors import ConfigError

FILE: Final = ".secrets.json"
SIGNED_WITH: Final = "JWT_SECRET_KEY"
"""What tokens for the server are signed with: whoever knows it can answer for a human, so it is never passed on."""

_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_SHAPE: Final = '{"keys": {"ANTHROPIC_API_KEY": "..."}}'
_OTHERS: Final = 0o077
_KEYS: Final = ("KEY", "TOKEN")
"""How the names end of what a project's file may hold."""


@dataclass(frozen=True)
class Key:
    """A key, or another variable of a provider, and where it comes from."""

    value: str
    origin: str
    """``environment``, or the path of the file."""

    def __repr__(self) -> str:
        return f"Key(…, origin={self.origin!r})"


def read_keys(environment: Mapping[str, str], project: Path | None = None, home: Path | None = None) -> dict[str, Key]:
    """All keys, by name; where one is in several places, the first counts.

    ``project`` and ``home`` are the folders in which a ``.secrets.json`` may be. Raises ConfigError when one of
    the files can be read by others, or is not of its shape, or when the project's holds something that is no key.
    """
    found = {name: Key(value, "environment") for name, value in environment.items() if value}
    for folder in (project, home):
        if folder is None:
            continue
        place = folder / FILE
        for name, value in _of_file(place).items():
            if folder is project and folder != home and not name.endswith(_KEYS):
                raise ConfigError(
                    f"{place}: '{name}' is no key, and a project cannot say where keys go: set the variable, or"
                    f" move it to the {FILE} in the home of this program"
                )
            found.setdefault(name, Key(value, str(place)))
    return found


def environment_with_keys(
    environment: Mapping[str, str], project: Path | None = None, home: Path | None = None
) -> dict[str, str]:
    """The environment with the keys of the files beside it. Raises ConfigError as :func:`read_keys` does."""
    return {name: key.value for name, key in read_keys(environment, project, home).items()}


def _of_file(place: Path) -> dict[str, str]:
    try:
        # Opened once: what is looked at is what is read.
        with place.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                raise ConfigError(
                    f"{place} can be read by others, so it is not used: chmod 600 {shlex.quote(str(place))}"
                )
            document = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigError(f"{place} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place} is no JSON: write {_SHAPE}") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, dict) or set(document) != {"keys"}:
        raise ConfigError(f"{place} is not of the right shape: write {_SHAPE}")
    for number, (name, value) in enumerate(keys.items(), 1):
        if not _NAME.fullmatch(name) or not isinstance(value, str) or not value.isprintable():
            # Not the name itself: it may be a key that stands in the wrong place.
            raise ConfigError(
                f"{place}: entry {number} is not the name of a variable with a text as its value: write {_SHAPE}"
            )
    return {name: value for name, value in keys.items() if value}
