"""The map of a repository: what it deduces, and that nothing odd in a repository breaks it."""

from pathlib import Path

import pytest
from survey_world import SHOP, commit, git, mapped

from claude_orchestrator.errors import RepositoryError
from claude_orchestrator.orchestrator.planning.models import Survey
from claude_orchestrator.orchestrator.planning.survey import render
from claude_orchestrator.orchestrator.planning.survey.rendering import estimated


def module(survey: Survey, path: str):
    return next(one for one in survey.modules if one.path == path)


def convention(survey: Survey, name: str):
    return next((one for one in survey.conventions if one.name == name), None)


def test_a_package_is_mapped(tmp_path: Path) -> None:
    shop = mapped(tmp_path, SHOP)
    assert shop.files == len(SHOP)
    assert shop.languages[0].name == "Python"
    assert set(shop.paths) == set(SHOP)
    assert [one.path for one in shop.modules] == [
        "src/shop/__init__.py",
        "src/shop/cart.py",
        "src/shop/cli.py",
        "src/shop/money.py",
        "src/shop/store.py",
    ]
    money = module(shop, "src/shop/money.py")
    assert money.symbols == ("Money", "Money.plus", "rounded")
    assert shop.frameworks == ("sqlalchemy", "click")
    assert shop.manifests == ("pyproject.toml",)
    assert shop.ci == (".github/workflows/ci.yml",)
    assert shop.public_api == ("command shop", "shop.Money", "shop.rounded")
    assert shop.documents == ("CHANGELOG.md", "README.md", "docs/using.md")
    assert shop.left_out == ()


def test_imports_and_tests_are_followed_to_where_a_name_is_defined(tmp_path: Path) -> None:
    shop = mapped(tmp_path, SHOP)
    assert module(shop, "src/shop/cart.py").imports == ("src/shop/money.py",)
    assert module(shop, "src/shop/cli.py").imports == ("src/shop/cart.py", "src/shop/store.py")
    assert "src/shop/money.py" in module(shop, "src/shop/__init__.py").imports
    # 'import shop' and then 'shop.rounded': defined in shop.money.
    assert module(shop, "src/shop/money.py").tests == ("tests/test_money.py",)
    assert module(shop, "src/shop/cart.py").tests == ("tests/test_shopping.py",)
    assert module(shop, "src/shop/store.py").tests == ()


def test_the_suite_is_run_as_ci_runs_it(tmp_path: Path) -> None:
    shop = mapped(tmp_path, SHOP)
    assert shop.tests.framework == "pytest"
    assert shop.tests.command == "python -m pytest -q --strict-markers"
    assert shop.tests.because == ".github/workflows/ci.yml"
    assert shop.tests.folders == ("tests",)
    assert shop.tests.files == 2


_PYTEST = {"tests/test_a.py": "import pytest\n"}
_VITEST = {
    "src/a.ts": "export const a = 1\n",
    "package.json": '{"scripts": {"test": "vitest"}, "devDependencies": {"vitest": "1"}}',
}


@pytest.mark.parametrize(
    ("files", "framework", "command", "because"),
    [
        (_PYTEST | {"Makefile": "test:\n\tpytest\n"}, "pytest", "make test", "Makefile"),
        (_PYTEST | {"tox.ini": "[testenv]\ncommands =\n  pytest {posargs:tests}\n"}, "pytest", "pytest", "tox.ini"),
        (
            {"test_a.py": "import unittest\n"},
            "unittest",
            "python -m unittest",
            "usual for unittest; test_a.py imports it",
        ),
        (_VITEST, "vitest", "npm test", "scripts.test in package.json"),
        ({"a.go": "package a\n", "a_test.go": ""}, "go test", "go test ./...", "usual for go test; a_test.go"),
        ({"src/lib.rs": "", "Cargo.toml": ""}, "cargo test", "cargo test", "usual for cargo test; Cargo.toml"),
        ({"a.py": "x = 1\n"}, "", "", ""),
    ],
)
def test_other_suites(tmp_path: Path, files: dict[str, str], framework: str, command: str, because: str) -> None:
    tests = mapped(tmp_path, files).tests
    assert (tests.framework, tests.command, tests.because) == (framework, command, because)


def test_conventions_say_why(tmp_path: Path) -> None:
    shop = mapped(tmp_path, SHOP)
    said = {one.name: (one.value, one.because) for one in shop.conventions}
    assert said["python"] == (">=3.10", "requires-python in pyproject.toml")
    assert said["formatter"] == ("ruff format", "[tool.ruff.format] in pyproject.toml")
    assert said["linter"] == ("ruff", "[tool.ruff] in pyproject.toml")
    assert said["typing"] == ("mypy, strict", "[tool.mypy] in pyproject.toml")
    assert said["changelog"] == ("CHANGELOG.md, Keep a Changelog", "CHANGELOG.md")
    assert said["layout"] == ("src: shop", "src/shop/__init__.py")
    assert said["tests"] == ("functions", "2 test files have functions only, 0 have classes")


def test_databases_name_their_evidence(tmp_path: Path) -> None:
    files = SHOP | {"src/shop/migrations/0001_initial.py": "", "src/shop/migrations/0002_more.py": ""}
    shop = mapped(tmp_path, files)
    assert shop.databases == (
        "SQLAlchemy (sqlalchemy in pyproject.toml)",
        "sqlite (the code imports sqlite3)",
        "migrations in src/shop/migrations (2)",
    )


def test_the_log_shows_what_changes_and_how_commits_are_written(tmp_path: Path) -> None:
    commit(tmp_path, SHOP, "feat: begin")
    for number in range(6):
        commit(tmp_path, {"src/shop/cart.py": f"a = {number}\n", f"gone{number}.py": ""}, f"fix(cart): step {number}")
        (tmp_path / f"gone{number}.py").unlink()
    commit(tmp_path, {"README.md": "# The shop\n"}, "docs: name it")
    shop = mapped(tmp_path)
    assert (shop.churn[0].path, shop.churn[0].commits) == ("src/shop/cart.py", 7)
    assert shop.churn[0].latest == "fix(cart): step 5"
    assert shop.churn[0].authors == ("Ada",)
    assert all(one.path in shop.paths for one in shop.churn)
    style = convention(shop, "commits")
    assert style is not None
    assert style.value.startswith("conventional commits")


def test_odd_files_are_left_out_and_named(tmp_path: Path) -> None:
    odd: dict[str, str | bytes] = {
        "broken.py": "def (:\n",
        "nul.py": b"x = 1\0\n",
        "latin.py": b"# caf\xe9\nvalue = 1\n",
        "bom.py": b"\xef\xbb\xbfdef with_bom(): ...\n",
        "deep.py": "(" * 3000 + ")" * 3000,
        "huge.py": "x = 1\n" * 100_000,
        "with space/ü.py": "y = 2\n",
        "pyproject.toml": "not [ toml",
        "package.json": "{",
        "setup.cfg": "no section\n",
        ".github/workflows/ci.yml": "{{{{",
        "vendor/other.py": "z = 3\n",
    }
    commit(tmp_path, odd)
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "loop").symlink_to("loop")
    git(tmp_path, "add", "link.py", "loop")
    head = git(tmp_path, "rev-parse", "HEAD").strip()
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{head},module.py")
    git(tmp_path, "commit", "-q", "-m", "Odd")
    survey = mapped(tmp_path)
    assert {"link.py", "loop", "module.py", "with space/ü.py"} <= set(survey.paths)
    assert [one.path for one in survey.modules] == ["bom.py", "broken.py", "deep.py", "latin.py", "with space/ü.py"]
    assert module(survey, "bom.py").symbols == ("with_bom",)
    assert module(survey, "latin.py").symbols == ("value",)
    assert module(survey, "broken.py").symbols == ()
    assert any("huge" in one or "more than 500 kB" in one for one in survey.left_out)
    assert any("broken.py" in one and "syntax errors in 2 Python files" in one for one in survey.left_out)


def test_nothing_of_the_repository_is_run(tmp_path: Path) -> None:
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'sprung')!r}).touch()\n"
    names = ("setup.py", "conftest.py", "noxfile.py", "a.py", "pkg/__init__.py", "sitecustomize.py")
    mapped(tmp_path / "repository", dict.fromkeys(names, trap))
    assert not (tmp_path / "sprung").exists()


def test_the_commit_counts_and_not_the_checkout(tmp_path: Path) -> None:
    commit(tmp_path, SHOP)
    (tmp_path / "src/shop/money.py").write_text("def changed(): ...\n")
    (tmp_path / "README.md").unlink()
    shop = mapped(tmp_path)
    assert "README.md" in shop.paths
    assert "changed" not in module(shop, "src/shop/money.py").symbols


def test_a_bare_repository_and_an_empty_commit(tmp_path: Path) -> None:
    commit(tmp_path / "a", {})
    empty = mapped(tmp_path / "a")
    assert (empty.files, empty.lines, empty.modules, empty.tests.framework) == (0, 0, (), "")
    assert "Tests: none found" in render(empty)
    commit(tmp_path / "b", SHOP)
    git(tmp_path, "clone", "-q", "--bare", str(tmp_path / "b"), "bare.git")
    assert mapped(tmp_path / "bare.git").files == len(SHOP)


def test_no_such_commit(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="is no commit"):
        mapped(tmp_path, SHOP, "nothing")


def test_the_text_keeps_to_its_budget(tmp_path: Path) -> None:
    shop = mapped(tmp_path, SHOP)
    whole = render(shop)
    assert "src/shop/money.py, 16: Money, Money.plus, rounded; tests tests/test_money.py" in whole
    assert "cut" not in whole
    for budget in (0, 10, 40, 200, 500):
        text = render(shop, budget)
        assert estimated(text) <= budget + 1
        assert text == whole or not text or "cut here" in text


def _functions(body: str, count: int = 12) -> str:
    return "\n".join(f"def public_{number}(a: int) -> int:\n    {body}\n    return a\n" for number in range(count))


@pytest.mark.parametrize(
    ("files", "name", "value"),
    [
        ({"pyproject.toml": "[tool.black]\nline-length = 99\n"}, "formatter", "black, lines of 99"),
        ({"pyproject.toml": "[tool.towncrier]\n"}, "changelog", "towncrier: a fragment for each change"),
        ({"changelog.d/1.fix": "x\n"}, "changelog", "a fragment for each change in changelog.d/"),
        ({"CHANGES.md": "# 2.0 (unreleased)\n"}, "changelog", "CHANGES.md, with a part for what is not released"),
        ({"setup.cfg": "[mypy]\nstrict = True\n"}, "typing", "mypy, strict"),
        ({"mypy.ini": "[mypy]\nstrict = True\n"}, "typing", "mypy, strict"),
        ({"tsconfig.json": '{"compilerOptions": {"strict": true}}'}, "typing", "TypeScript, strict"),
        ({".prettierrc": "{}"}, "formatter", "prettier"),
        ({".pre-commit-config.yaml": "repos:\n- hooks:\n  - id: ruff-format\n"}, "formatter", "ruff format"),
        ({".github/workflows/a.yml": "run: cargo clippy\n"}, "linter", "clippy"),
        ({"a.py": _functions("x = 1")}, "typing", "annotations"),
        ({"a.py": _functions('"""Do.\n\n    Args:\n        a: one\n    """')}, "docstrings", "Google style"),
        ({"a.py": _functions('"""Do.\n\n    :param a: one\n    """')}, "docstrings", "Sphinx fields style"),
        ({"a.py": _functions('"""Do."""')}, "docstrings", "plain prose"),
        ({"packages/a/package.json": "{}", "packages/b/package.json": "{}"}, "layout", "several packages in packages"),
        ({"shop/__init__.py": "", "tests/__init__.py": ""}, "layout", "flat: shop"),
        ({"uv.lock": ""}, "packages", "uv"),
    ],
)
def test_a_convention_is_read_where_it_stands(tmp_path: Path, files: dict[str, str], name: str, value: str) -> None:
    found = convention(mapped(tmp_path, files), name)
    assert found is not None
    assert found.value == value
    assert found.because


def test_routes_and_exports_are_public(tmp_path: Path) -> None:
    files = {
        "app/__init__.py": "from app.web import index\nVERSION = '1'\n_hidden = 1\n",
        "app/web.py": "@app.get('/carts/{id}')\ndef index(): ...\n\n@app.route('/old')\ndef old(): ...\n",
        "package.json": '{"name": "tool", "bin": {"tool": "cli.js"}}',
    }
    public = mapped(tmp_path, files).public_api
    assert public == ("command tool", "app.index", "app.VERSION", "route GET /carts/{id}", "route /old")
