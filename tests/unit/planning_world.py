"""Maps of repositories that nobody has to make first, and what a session asks about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from claude_orchestrator.orchestrator.planning import asking, goals
from claude_orchestrator.orchestrator.planning.models import (
    Answered,
    Churn,
    Convention,
    Language,
    Module,
    Question,
    Suite,
    Survey,
)
from claude_orchestrator.orchestrator.planning.situation import Situation

LIBRARY = Survey(
    commit="c" * 40,
    files=12,
    lines=900,
    languages=(Language("Python", 8, 850), Language("Markdown", 2, 50)),
    frameworks=("click",),
    manifests=("pyproject.toml",),
    modules=(
        Module("src/tally/cli.py", "Python", 90, ("main", "report"), ("src/tally/report.py",)),
        Module("src/tally/errors.py", "Python", 20, ("TallyError",)),
        Module(
            "src/tally/money.py", "Python", 300, ("parse", "Money", "Money.plus"), ("src/tally/errors.py",),
            tests=("tests/test_money.py",),
        ),
        Module(
            "src/tally/report.py", "Python", 200, ("Report", "Report.render"), ("src/tally/money.py",),
        ),
    ),
    tests=Suite("pytest", "python -m pytest", ("tests",), 1, "[tool.pytest.ini_options] in pyproject.toml"),
    ci=(".github/workflows/ci.yml",),
    public_api=("tally.Money", "tally.parse", "command tally"),
    conventions=(
        Convention("linter", "ruff, lines of 100", "[tool.ruff] in pyproject.toml"),
        Convention("typing", "mypy, strict", "[tool.mypy] in pyproject.toml"),
        Convention("changelog", "CHANGELOG.md", "CHANGELOG.md"),
    ),
    churn=(Churn("src/tally/money.py", 9, "Read thousands", ("Ada",)),),
    documents=("CHANGELOG.md", "CLAUDE.md", "README.md", "docs/use.md"),
    paths=(
        "pyproject.toml", "README.md", "CLAUDE.md", "CHANGELOG.md", "docs/use.md", "src/tally/cli.py",
        "src/tally/errors.py", "src/tally/money.py", "src/tally/report.py", "tests/test_money.py",
        ".github/workflows/ci.yml",
    ),
)  # fmt: skip
"""A Python library with tests, CI, a public API, a linter and a type checker."""

BARE = Survey(
    commit="c" * 40,
    files=2,
    lines=60,
    languages=(Language("Python", 2, 60),),
    modules=(
        Module("main.py", "Python", 20, ("main",), ("report.py",)),
        Module("report.py", "Python", 40, ("Report", "parse")),
    ),
    paths=("main.py", "report.py"),
)
"""Python without tests, CI or anything configured."""

SHOP = Survey(
    commit="c" * 40,
    files=6,
    lines=200,
    languages=(Language("JavaScript", 3, 200),),
    frameworks=("express",),
    manifests=("package.json",),
    modules=(
        Module("src/orders.js", "JavaScript", 80, ("listOrders", "createOrder")),
        Module("src/server.js", "JavaScript", 60, (), ("src/orders.js",)),
    ),
    databases=("postgresql (pg in package.json)", "migrations in migrations (3)"),
    paths=("package.json", "src/orders.js", "src/server.js", "migrations/1.sql"),
)
"""A server in JavaScript with a database, without tests."""

EMPTY = Survey(commit="c" * 40, files=1, lines=1, languages=(Language("Markdown", 1, 1),), documents=("README.md",),
               paths=("README.md",))  # fmt: skip
"""A repository with one commit and nothing in it."""

MONOREPO = replace(
    SHOP,
    manifests=("package.json", "packages/api/package.json", "packages/web/package.json"),
    modules=(
        Module("packages/api/src/orders.js", "JavaScript", 80, ("listOrders",)),
        Module("packages/web/src/cart.js", "JavaScript", 60, ("Cart",)),
    ),
    databases=(),
    churn=(Churn("packages/web/src/cart.js", 4, "Round", ("Ada",)),),
    paths=(
        "package.json",
        "packages/api/package.json",
        "packages/api/src/orders.js",
        "packages/web/package.json",
        "packages/web/src/cart.js",
    ),
)
"""Two packages."""

SURVEYS = {"library": LIBRARY, "bare": BARE, "shop": SHOP, "empty": EMPTY, "monorepo": MONOREPO}

GOALS = (
    "Add a currency option to the report",
    "Reports crash when an amount is empty",
    "Refactor the report",
    "Migrate from click to typer",
    "Make the report faster",
    "Write a tutorial",
    "Orders should store a delivery date",
    "Zwölf neue Währungen",
)


def situation(survey: Survey, goal: str, context: str = "", **answers: Any) -> Situation:
    """What the rules look at; answers by id, with ``_`` for the dashes."""
    given = {name.replace("_", "-"): value for name, value in answers.items()}
    return Situation(goal, context, given.get("kind", goals.guessed(goal).kind), survey, given)


def asked(survey: Survey, goal: str, context: str = "", **answers: Any) -> dict[str, asking.Asked]:
    """What is asked (and what is known), by id."""
    return {one.question.id: one for one in asking.asked(situation(survey, goal, context, **answers))}


def open_ones(survey: Survey, goal: str, context: str = "", **answers: Any) -> dict[str, Question]:
    """The questions that somebody has to answer, by id."""
    return {name: one.question for name, one in asked(survey, goal, context, **answers).items() if one.known is None}


def known(survey: Survey, goal: str, context: str = "", **answers: Any) -> dict[str, Answered]:
    """What nobody has to be asked, by id."""
    return {name: one.known for name, one in asked(survey, goal, context, **answers).items() if one.known is not None}
