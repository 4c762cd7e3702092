"""What the manifests say: dependencies, frameworks, databases, the names that others may use."""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from claude_orchestrator.orchestrator.planning.survey.languages import in_tests
from claude_orchestrator.orchestrator.planning.survey.reading import Tree

_MANIFESTS: Final = (
    "pyproject.toml", "setup.cfg", "setup.py", "requirements.txt", "Pipfile", "environment.yml", "package.json",
    "Cargo.toml", "go.mod", "Gemfile", "composer.json", "pom.xml", "build.gradle", "build.gradle.kts",
)  # fmt: skip
_MOST_MANIFESTS: Final = 40

_FRAMEWORKS_NAMES: Final = """
django flask fastapi starlette tornado aiohttp sanic litestar bottle pyramid falcon typer click rich textual celery
dramatiq pydantic attrs sqlalchemy sqlmodel djangorestframework graphene strawberry-graphql numpy pandas scipy
scikit-learn torch tensorflow jax scrapy streamlit gradio pyside6 pyqt6 twisted trio anyio httpx requests jinja2
boto3 grpcio airflow prefect mcp langchain openai anthropic react vue svelte angular @angular/core next nuxt express
koa fastify @nestjs/core electron vite webpack tokio axum actix-web rocket clap serde bevy rails sinatra
laravel/framework symfony/framework-bundle
"""
_FRAMEWORKS: Final = frozenset(_FRAMEWORKS_NAMES.split())
_GO_FRAMEWORKS: Final = {
    "github.com/gin-gonic/gin": "gin",
    "github.com/labstack/echo/v4": "echo",
    "github.com/spf13/cobra": "cobra",
    "github.com/gofiber/fiber/v2": "fiber",
}
_DATABASES: Final = {
    package: database
    for database, packages in {
        "postgresql": "psycopg psycopg2 psycopg2-binary asyncpg pg8000 pg postgres",
        "mysql": "pymysql mysqlclient aiomysql mysql-connector-python mysql2",
        "sqlite": "aiosqlite better-sqlite3 sqlite3 rusqlite",
        "mongodb": "pymongo motor mongoengine beanie mongoose mongodb",
        "redis": "redis aioredis ioredis",
        "SQLAlchemy": "sqlalchemy flask-sqlalchemy sqlmodel",
        "Django ORM": "django",
        "peewee": "peewee",
        "Tortoise ORM": "tortoise-orm",
        "Alembic": "alembic flask-migrate",
        "Prisma": "prisma @prisma/client",
        "TypeORM": "typeorm",
        "Sequelize": "sequelize",
        "Knex": "knex",
        "sqlx": "sqlx",
        "Diesel": "diesel",
        "GORM": "gorm.io/gorm",
        "Active Record": "activerecord",
    }.items()
    for package in packages.split()
}
_MIGRATION: Final = re.compile(
    r"(?P<folder>(?:.*/)?(?:migrations|versions|migrate|schema))/(?:[0-9]{3,}[\w-]*|[0-9a-f]{12}_\w+)\.(?:py|sql|rb|ts|js)\Z"
)
_SHOWN: Final = re.compile(r"(?:^|/)(?:examples?|docs?|samples?|templates?|fixtures)/")
"""Folders whose manifests belong to what is shown, not to what is built."""
_REQUIREMENTS: Final = re.compile(r"(?:^|/)requirements[\w./-]*\.(?:txt|in)\Z")
_HELPERS: Final = re.compile(r"(?:doc|dev|test|lint|typing|build|ci|example|bench)[\w-]*\.(?:txt|in)\Z")
"""Lists of what only those need who work on the project."""
_NAME: Final = re.compile(r"[A-Za-z0-9@][\w.\-/@]*")


class Manifests:
    """The manifests of a tree, read once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        own = [path for path in tree.named(*_MANIFESTS) if not in_tests(path) and not _SHOWN.search(path)]
        others = [path for path in tree.texts if _REQUIREMENTS.search(path) and not in_tests(path)]
        self.paths = tuple(dict.fromkeys([*own, *sorted(others)]))[:_MOST_MANIFESTS]
        self.pyproject = _toml(tree.text("pyproject.toml"))
        self.setup_cfg = _ini(tree.text("setup.cfg"))
        self.package = _json(tree.text("package.json"))
        self.dependencies: dict[str, str] = {}
        """Name of a package, in small letters → the manifest that names it."""
        for path in self.paths:
            for name in _dependencies(path, tree.text(path)):
                self.dependencies.setdefault(name.casefold(), path)

    def tool(self, name: str) -> Mapping[str, Any] | None:
        """The table ``[tool.name]`` of ``pyproject.toml``, or None."""
        return _table(_table(self.pyproject, "tool"), name) if name in _table(self.pyproject, "tool") else None

    def frameworks(self, imported: Iterable[str]) -> tuple[str, ...]:
        """What it is built with: known names among dependencies and among what the code imports."""
        used = {name.casefold() for name in imported}
        found = [name for name, path in self.dependencies.items() if name in _FRAMEWORKS and not _HELPERS.search(path)]
        found += [name for package, name in _GO_FRAMEWORKS.items() if package in self.dependencies]
        found += sorted(name for name in used if name in _FRAMEWORKS)
        own = {self.name.casefold(), self.name.casefold().replace("-", "_")}
        return tuple(name for name in dict.fromkeys(found) if name not in own)

    def databases(self, imported: Iterable[str]) -> tuple[str, ...]:
        """Databases and the ways to them, then the folders of migrations."""
        found: dict[str, str] = {}
        for name, path in self.dependencies.items():
            if name in _DATABASES and name != self.name.casefold():
                found.setdefault(_DATABASES[name], f"{name} in {path}")
        if "sqlite3" in set(imported):
            found.setdefault("sqlite", "the code imports sqlite3")
        folders: dict[str, int] = {}
        for path in self._tree.paths:
            if (match := _MIGRATION.match(path)) and not in_tests(path):
                folders[match["folder"]] = folders.get(match["folder"], 0) + 1
        named = [f"{database} ({why})" for database, why in found.items()]
        return (*named, *(f"migrations in {folder} ({count})" for folder, count in sorted(folders.items())[:10]))

    @property
    def name(self) -> str:
        """What the project calls itself; empty where nothing says it."""
        project = _table(self.pyproject, "project") or _table(_table(_table(self.pyproject, "tool"), "poetry"))
        candidates = (project.get("name"), self.setup_cfg.get("metadata", {}).get("name"), self.package.get("name"))
        return next((str(name) for name in candidates if isinstance(name, str)), "")

    def scripts(self) -> Iterator[str]:
        """The commands that it installs."""
        project, poetry = _table(self.pyproject, "project"), _table(self.tool("poetry") or {})
        for table in (_table(project, "scripts"), _table(project, "gui-scripts"), _table(poetry, "scripts")):
            yield from (str(name) for name in table)
        for line in self.setup_cfg.get("options.entry_points", {}).get("console_scripts", "").splitlines():
            if "=" in line:
                yield line.split("=")[0].strip()
        setup = self._tree.text("setup.py")
        if (at := setup.find("console_scripts")) >= 0:
            yield from re.findall(r"['\"]\s*([\w.-]+)\s*=\s*[\w.]+:[\w.]+['\"]", setup[at : at + 4000])
        binary = self.package.get("bin")
        yield from binary if isinstance(binary, dict) else [self.name] if isinstance(binary, str) else []

    @property
    def python(self) -> tuple[str, str]:
        """The versions of Python that it says it needs, and where it says so; empty: it does not."""
        project = _table(self.pyproject, "project")
        poetry = _table(_table(self.tool("poetry") or {}, "dependencies"))
        for value, because in (
            (project.get("requires-python"), "requires-python in pyproject.toml"),
            (poetry.get("python"), "tool.poetry.dependencies in pyproject.toml"),
            (self.setup_cfg.get("options", {}).get("python_requires"), "python_requires in setup.cfg"),
        ):
            if isinstance(value, str) and value.strip():
                return value.strip(), because
        match = re.search(r"python_requires\s*=\s*['\"]([^'\"]+)['\"]", self._tree.text("setup.py"))
        return (match[1], "python_requires in setup.py") if match else ("", "")


def _table(value: Any, name: str | None = None) -> Mapping[str, Any]:
    """``value[name]`` (or ``value``), if it is a table; else an empty one."""
    if name is not None:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _toml(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _json(text: str) -> Mapping[str, Any]:
    try:
        return _table(json.loads(text or "{}"))
    except (ValueError, RecursionError):
        return {}


def _ini(text: str) -> Mapping[str, Mapping[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return {name: dict(parser.items(name)) for name in parser.sections()}


# -- dependencies ------------------------------------------------------------------------------------------------


def _dependencies(path: str, text: str) -> Iterator[str]:
    name = PurePosixPath(path).name.casefold()
    reader = _READERS.get(name)
    if reader is None and name.endswith((".txt", ".in")):
        reader = _requirements
    yield from reader(text) if reader else ()


def _requirements(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.lstrip().startswith(("#", "-", "git+", "http")) and (match := _NAME.match(line.strip())):
            yield re.split(r"[@\[]", match[0])[0] if not match[0].startswith("@") else match[0]


def _listed(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        yield from _requirements("\n".join(str(one) for one in value if isinstance(one, str)))


def _of_pyproject(text: str) -> Iterator[str]:
    data = _toml(text)
    project, poetry = _table(data, "project"), _table(_table(data, "tool"), "poetry")
    yield from _listed(project.get("dependencies"))
    for table in (_table(project, "optional-dependencies"), _table(data, "dependency-groups")):
        for group in table.values():
            yield from _listed(group)
    yield from _table(poetry, "dependencies")
    yield from _table(poetry, "dev-dependencies")
    for group in _table(poetry, "group").values():
        yield from _table(group, "dependencies")


def _of_setup_cfg(text: str) -> Iterator[str]:
    data = _ini(text)
    yield from _requirements(data.get("options", {}).get("install_requires", ""))
    for value in data.get("options.extras_require", {}).values():
        yield from _requirements(value)


def _of_setup_py(text: str) -> Iterator[str]:
    """The plain lists behind ``install_requires`` and the like; what is computed stays unknown."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("install_requires", "tests_require", "extras_require"):
            for one in ast.walk(node.value):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield from _requirements(one.value)


def _of_package_json(text: str) -> Iterator[str]:
    data = _json(text)
    for name in ("dependencies", "devDependencies", "peerDependencies"):
        yield from _table(data, name)


def _of_cargo(text: str) -> Iterator[str]:
    data = _toml(text)
    for name in ("dependencies", "dev-dependencies"):
        yield from _table(data, name)
    yield from _table(_table(data, "workspace"), "dependencies")


def _of_go_mod(text: str) -> Iterator[str]:
    yield from re.findall(r"^\s*(?:require\s+)?([\w.-]+\.[\w./-]+)\s+v[0-9]", text, re.MULTILINE)


def _of_gemfile(text: str) -> Iterator[str]:
    yield from re.findall(r"^\s*gem\s+['\"]([\w-]+)['\"]", text, re.MULTILINE)


def _of_composer(text: str) -> Iterator[str]:
    data = _json(text)
    yield from _table(data, "require")
    yield from _table(data, "require-dev")


_READERS: Final[Mapping[str, Callable[[str], Iterator[str]]]] = {
    "pyproject.toml": _of_pyproject,
    "setup.cfg": _of_setup_cfg,
    "setup.py": _of_setup_py,
    "package.json": _of_package_json,
    "cargo.toml": _of_cargo,
    "go.mod": _of_go_mod,
    "gemfile": _of_gemfile,
    "composer.json": _of_composer,
}
