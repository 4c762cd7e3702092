"""What agents are told: marks that were to be filled in, and prompts that say too little."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from claude_orchestrator.orchestrator.planning.models import Finding
from claude_orchestrator.orchestrator.planning.reviewing.view import View

_MARK: Final = re.compile(
    r"\bTO[- _]FILL[- _]IN\b|\bTO[- _]BE[- _](?:FILLED[- _]IN|DETERMINED)\b|<(?:fill|insert) [^>\n]*>"
)
_DOUBTFUL: Final = re.compile(r"\bTB[DC]\b|\?\?\?|\bX{3,}\b|lorem ipsum", re.IGNORECASE)
_FEW_WORDS: Final = 6
_SHOWN: Final = 60


def marks(view: View) -> Iterator[Finding]:
    """What a person had to fill in, and has not."""
    for item in view.items:
        texts = {
            "title": [item.task.title],
            "prompt": [item.task.prompt],
            "success_criteria": item.task.success_criteria,
        }
        for name, text in ((name, text) for name, said in texts.items() for text in said):
            if found := _MARK.search(text):
                yield item.finding(
                    "to-fill-in",
                    "error",
                    f"'{name}' still has a mark to fill in: {_around(text, found.start())}",
                    f"write in '{name}' what is meant, without the mark",
                )
                break
            if found := _DOUBTFUL.search(text):
                yield item.finding(
                    "to-fill-in",
                    "warning",
                    f"'{name}' seems to leave something open: {_around(text, found.start())}",
                    f"write in '{name}' what is meant",
                )
                break


def _around(text: str, at: int) -> str:
    begin = text.rfind("\n", 0, at) + 1
    return " ".join(text[max(begin, at - _SHOWN // 2) : at + _SHOWN].split("\n", maxsplit=1)[0].split())


def thin(view: View) -> Iterator[Finding]:
    """Prompts from which no agent can tell what is wanted."""
    for item in view.items:
        task = item.task
        said = f"{task.prompt} {' '.join(task.success_criteria)}"
        if item.prompted and len(set(re.findall(r"\w+", said))) < _FEW_WORDS:
            yield item.finding(
                "thin-prompt",
                "warning",
                f"the prompt says little: {' '.join(task.prompt.split())[:_SHOWN]!r}",
                "say in 'prompt' what should be different afterwards, where, and what must stay; and in"
                " 'success_criteria' how one sees it",
            )
