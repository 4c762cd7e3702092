"""What a command line has set up so far: variables, functions, the folder, files written, descriptors."""

from __future__ import annotations

import re
from typing import Any

from claude_orchestrator.safety.values import NUM, SEC, UNK


class Fork(Exception):  # noqa: N818  (no error: a choice that the caller tries one by one)
    """A value is one of several: what needed it is done again with each."""

    def __init__(self, key: object, values: tuple[Any, ...]) -> None:
        super().__init__()
        self.key = key
        self.values = values


class Limit(Exception):  # noqa: N818
    """The operation is too large or too deep to be judged."""


_MOST = 32
"""How many possible values a variable keeps."""

_SECRET_VARIABLE = re.compile("TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIAL", re.IGNORECASE)
secret_variable = _SECRET_VARIABLE.search
"""Whether an environment variable's name says that its value is a secret."""

_NUMBERS = frozenset(
    "? $ ! # RANDOM SECONDS LINENO UID EUID PPID BASHPID COLUMNS LINES EPOCHSECONDS SRANDOM OPTIND SHLVL".split()
)
HARMLESS = frozenset(
    "LANG LANGUAGE TZ TERM NO_COLOR FORCE_COLOR CLICOLOR CI NODE_ENV RUST_BACKTRACE RUST_LOG PYTHONUNBUFFERED"
    " PYTHONDONTWRITEBYTECODE PYTHONHASHSEED COLUMNS LINES DEBUG LOG_LEVEL".split()
)
"""The names that may be set in front of a command (S8; beside ``LC_…``)."""

_DANGEROUS = re.compile(
    r"(?:PATH|IFS|ENV|HOME|PWD|OLDPWD|SHELL|TMPDIR|TMP|TEMP|CDPATH|FPATH|MAIL|MAILPATH|USER|LOGNAME|UID|EUID|DISPLAY"
    r"|PAGER|MANPAGER|LESS\w*|MORE|EDITOR|VISUAL|FCEDIT|BROWSER|PS[0-4]|PROMPT_COMMAND|SHELLOPTS|BASHOPTS|GLOBIGNORE"
    r"|FIGNORE|POSIXLY_CORRECT|EXECIGNORE|TIMEFORMAT|TMOUT|INPUTRC|HOSTALIASES|HOSTFILE|TERMINFO\w*|TERMCAP|LOCPATH"
    r"|NLSPATH|GCONV_PATH|GLIBC_TUNABLES|MALLOC_\w*|RES_OPTIONS|LOCALDOMAIN|HISTFILE|HISTCONTROL|HISTSIZE|HISTIGNORE"
    r"|GREP_OPTIONS|GREP_COLORS?|TAR_OPTIONS|GZIP|BZIP2?|XZ_OPT|XZ_DEFAULTS|ZIPOPT|UNZIP|RSYNC_\w*|WGETRC|CURL_\w*"
    r"|RIPGREP_CONFIG_PATH|FD_\w*|FZF_\w*|BAT_\w*|JQ_\w*|AWK\w*|POSIX_\w*|GAWK\w*"
    r"|CC|CXX|CPP|LD|AR|AS|CFLAGS|CXXFLAGS|CPPFLAGS|LDFLAGS|LDLIBS|MAKE|MAKEFLAGS|MFLAGS|MAKEFILES|GNUMAKEFLAGS"
    r"|JAVA_HOME|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|JAVA_OPTS|M2_HOME|MAVEN_\w*|GRADLE_\w*"
    r"|RUSTC\w*|RUSTFLAGS|RUSTDOC\w*|CARGO_\w*|RUSTUP_\w*|GO[A-Z]\w*|CGO_\w*|NODE_\w+|TS_NODE_\w*|DENO_\w*|BUN_\w*"
    r"|ELECTRON_\w*|ESLINT_\w*|BABEL_\w*|JEST_\w*|VITEST_\w*|PRETTIER_\w*|PLAYWRIGHT_\w*|VIRTUAL_ENV|CONDA_\w*"
    r"|DJANGO_\w*|FLASK_\w*|PYTHON\w*|PYTEST_\w*|MYPY\w*|COVERAGE_\w*|RUFF_\w*|BLACK_\w*|TOX_\w*|NOX_\w*|PIP_\w*"
    r"|PIPENV_\w*|POETRY_\w*|UV_\w*|PERL\w*|RUBY\w*|GEM_\w*|BUNDLE_\w*|RAILS_\w*|RACK_\w*|PHP\w*|COMPOSER_\w*|LUA_\w*"
    r"|DOTNET_\w*|NUGET_\w*|MSBUILD\w*|HTTPS?_PROXY|FTP_PROXY|ALL_PROXY|NO_PROXY|SSL_\w*|REQUESTS_\w*|SSH_\w*|SUDO_\w*"
    r"|DOCKER_\w*|COMPOSE_\w*|KUBE\w*|HELM_\w*|TF_\w*|ANSIBLE_\w*|PULUMI_\w*|AWS_\w*|GOOGLE_\w*|GCLOUD_\w*|AZURE_\w*"
    r"|GH_\w*|GITHUB_\w*|GITLAB_\w*|GIT_\w*|GNUPGHOME|NETRC|XDG_\w*|DBUS_\w*|PRE_COMMIT\w*|HUSKY\w*|SKIP|PG[A-Z]+"
    r"|MYSQL_\w*|CLAUDE\w*|ANTHROPIC\w*|CODEX\w*|GEMINI\w*|OPENAI\w*|CMAKE_\w*|NINJA_\w*|PKG_CONFIG\w*|DYLD_\w*|LD_\w*"
    r"|BASH_\w*|npm_config_\w*|NPM_\w*|YARN_\w*|PNPM_\w*|COREPACK_\w*|https?_proxy|ftp_proxy|all_proxy|no_proxy)",
)


def harmless_name(name: str) -> bool:
    """Whether S8 names the variable: it may be set for a command."""
    return name in HARMLESS or name.startswith("LC_")


def dangerous_name(name: str) -> bool:
    """Whether a variable can change how programs run (A10)."""
    return _DANGEROUS.fullmatch(name) is not None and not harmless_name(name)


class State:
    """One point in the flow of a command line. Copied where the flow branches, joined where it meets again.

    ``vars`` maps a name to its value, to a tuple of possible values, or to a list (an array); ``PWD`` is the folder.
    """

    __slots__ = ("args", "dead", "exported", "fds", "files", "funcs", "vars")

    def __init__(self, cwd: str) -> None:
        self.vars: dict[Any, Any] = {"PWD": cwd}
        self.funcs: dict[str, tuple[Any, ...]] = {}
        self.files: dict[str, str] = {}
        self.args: list[str] | None = None
        self.fds: dict[str, str] = {}
        self.dead = False
        self.exported: frozenset[str] = frozenset()

    def copy(self) -> State:
        """A state that can change without changing this one."""
        new = State.__new__(State)
        new.vars = self.vars.copy()
        new.funcs = self.funcs.copy()
        new.files = self.files.copy()
        new.args = self.args
        new.fds = self.fds.copy()
        new.dead = self.dead
        new.exported = self.exported
        return new

    def child(self, args: list[str], zero: str) -> State:
        """The state of another shell process: of the variables and functions it gets those that are exported."""
        new = self.copy()
        kept = self.exported | {"PWD", "OLDPWD", "HOME"}
        new.vars = {name: value for name, value in self.vars.items() if name in kept}
        new.funcs = {name: body for name, body in self.funcs.items() if name in kept}
        new.vars["0"] = zero
        new.args = args
        new.dead = False
        return new

    def lookup(self, name: str, home: str) -> str:
        """The value of a variable; raises Fork when it is one of several."""
        value = self.vars.get(name)
        if value is None:
            return self.environment(name, home)
        if value.__class__ is tuple:
            raise Fork(name, value)
        if value.__class__ is list:
            return value[0] if value else ""
        return value  # type: ignore[no-any-return]

    def environment(self, name: str, home: str) -> str:  # noqa: PLR0911  (one return a variable)
        """The value of a variable that the operation did not set, or of a special parameter."""
        if name in _NUMBERS:
            return NUM
        if name == "HOME":
            return home
        if name == "TMPDIR":
            return "/tmp"  # noqa: S108  (the policy's TMP zone)
        if name == "IFS":
            return " \t\n"
        if name == "SHELL":
            return "/bin/bash"
        if name in ("BASH", "0"):
            return "bash"
        if name.isdigit() and self.args is not None:
            index = int(name)
            return self.args[index - 1] if index <= len(self.args) else ""
        return SEC if secret_variable(name) else UNK


def _merge(one: Any, other: Any) -> Any:
    if one == other:
        return one
    if one.__class__ is list or other.__class__ is list:
        return UNK
    values = one if one.__class__ is tuple else (one,)
    more = other if other.__class__ is tuple else (other,)
    merged = (*values, *[value for value in more if value not in values])
    if UNK in merged and all(value in (UNK, NUM) for value in merged):
        return UNK
    if len(merged) > _MOST:
        return NUM if all(value.isdigit() or value == NUM for value in merged) else UNK
    return merged


def join(one: State, other: State) -> State:
    """The state after either of two flows; one that has ended (``exit``) does not count."""
    if one.dead:
        return other
    if other.dead:
        return one
    if one.vars != other.vars:
        names = one.vars.keys() | other.vars.keys()
        one.vars = {name: _merge(one.vars.get(name, UNK), other.vars.get(name, UNK)) for name in names}
    for name, bodies in other.funcs.items():
        mine = one.funcs.get(name, ())
        one.funcs[name] = (*mine, *[body for body in bodies if body not in mine])
    for path, content in other.files.items():
        if one.files.get(path, content) != content:
            one.files[path] += content
        else:
            one.files[path] = content
    one.fds.update(other.fds)
    one.exported |= other.exported
    if one.args != other.args:
        one.args = None
    return one
