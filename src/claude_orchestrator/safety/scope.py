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


class Whole(Exception):  # noqa: N818
    """What was taken for a plain command needs the whole walk."""


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

_DANGEROUS = frozenset(
    (
        "PATH IFS ENV HOME PWD OLDPWD SHELL TMPDIR TMP TEMP CDPATH FPATH MAIL MAILPATH USER LOGNAME UID EUID"
        " DISPLAY PAGER MANPAGER MORE EDITOR VISUAL FCEDIT BROWSER PS0 PS1 PS2 PS3 PS4 PROMPT_COMMAND SHELLOPTS"
        " BASHOPTS GLOBIGNORE FIGNORE POSIXLY_CORRECT EXECIGNORE TIMEFORMAT TMOUT INPUTRC HOSTALIASES HOSTFILE"
        " TERMCAP LOCPATH NLSPATH GCONV_PATH GLIBC_TUNABLES RES_OPTIONS LOCALDOMAIN HISTFILE HISTCONTROL HISTSIZE"
        " HISTIGNORE GREP_OPTIONS GREP_COLOR GREP_COLORS TAR_OPTIONS GZIP BZIP BZIP2 XZ_OPT XZ_DEFAULTS ZIPOPT"
        " UNZIP WGETRC RIPGREP_CONFIG_PATH CC CXX CPP LD AR AS CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LDLIBS MAKE"
        " MAKEFLAGS MFLAGS MAKEFILES GNUMAKEFLAGS JAVA_HOME JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS"
        " CLASSPATH JAVA_OPTS M2_HOME RUSTFLAGS VIRTUAL_ENV HTTPS_PROXY HTTP_PROXY FTP_PROXY ALL_PROXY NO_PROXY"
        " GNUPGHOME NETRC SKIP https_proxy http_proxy ftp_proxy all_proxy no_proxy"
    ).split()
)
_DANGEROUS_STARTS = tuple(
    (
        "LESS TERMINFO MALLOC_ RSYNC_ CURL_ FD_ FZF_ BAT_ JQ_ AWK POSIX_ GAWK MAVEN_ GRADLE_ RUSTC RUSTDOC CARGO_"
        " RUSTUP_ CGO_ NODE_ TS_NODE_ DENO_ BUN_ ELECTRON_ ESLINT_ BABEL_ JEST_ VITEST_ PRETTIER_ PLAYWRIGHT_"
        " CONDA_ DJANGO_ FLASK_ PYTHON PYTEST_ MYPY COVERAGE_ RUFF_ BLACK_ TOX_ NOX_ PIP_ PIPENV_ POETRY_ UV_ PERL"
        " RUBY GEM_ BUNDLE_ RAILS_ RACK_ PHP COMPOSER_ LUA_ DOTNET_ NUGET_ MSBUILD SSL_ REQUESTS_ SSH_ SUDO_"
        " DOCKER_ COMPOSE_ KUBE HELM_ TF_ ANSIBLE_ PULUMI_ AWS_ GOOGLE_ GCLOUD_ AZURE_ GH_ GITHUB_ GITLAB_ GIT_"
        " XDG_ DBUS_ PRE_COMMIT HUSKY MYSQL_ CLAUDE ANTHROPIC CODEX GEMINI OPENAI CMAKE_ NINJA_ PKG_CONFIG DYLD_"
        " LD_ BASH_ npm_config_ NPM_ YARN_ PNPM_ COREPACK_"
    ).split()
)


def harmless_name(name: str) -> bool:
    """Whether S8 names the variable: it may be set for a command."""
    return name in HARMLESS or name.startswith("LC_")


def dangerous_name(name: str) -> bool:
    """Whether a variable can change how programs run (A10)."""
    dangerous = name in _DANGEROUS or name.startswith(_DANGEROUS_STARTS)
    # GOFLAGS, PGHOST and their like.
    return (dangerous or (name[:2] in ("GO", "PG") and name[2:3].isupper())) and not harmless_name(name)


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
            return "/tmp"  # noqa: S108  # nosec B108 - the policy's TMP zone
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
