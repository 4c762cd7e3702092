"""Package managers (A3), what they only tell (S2), and their ways to run a command in an environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Program, custom
from claude_orchestrator.safety.programs.runners import fixed, informs, is_question, leaks, passes_on
from claude_orchestrator.safety.values import UNK, known, show, taints, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

# --- pip --------------------------------------------------------------------------------------------------------------

_PIP_GLOBAL = (
    " -q -v -h --quiet --verbose --help --no-input --no-color --no-python-version-warning --disable-pip-version-check --isolated --require-virtualenv --debug"
    " --python=!A8 --log=out --cache-dir=out --proxy=!A10 --cert=!A5 --client-cert=!A5 -V --version"
)
_PIP: dict[str, Program] = {
    "list": informs(
        "-o!A2 -u!A2 -l -e --outdated!A2 --uptodate!A2 --editable --local --user --path=read --pre --format= --not-required --exclude-editable"
        " --include-editable --exclude=" + _PIP_GLOBAL
    ),
    "show": informs("-f --files" + _PIP_GLOBAL, "text*"),
    "freeze": informs(
        "-l -r=read --requirement=read --local --user --path=read --all --exclude-editable --exclude=" + _PIP_GLOBAL
    ),
    "check": informs(_PIP_GLOBAL),
    "help": informs(_PIP_GLOBAL, "text*"),
}
_PIP_VALUES = frozenset("--python --log --cache-dir --proxy --cert --client-cert".split())
_PIP_OPTIONS = informs(_PIP_GLOBAL)


def _pip(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if is_question(argv, frozenset("--version -V --help -h help".split())):
        walk.emit("S2", "pip informs")
        return None
    index = 1
    while index < len(argv) and argv[index][:1] == "-":
        index += 2 if argv[index] in _PIP_VALUES else 1
    _PIP_OPTIONS.compile("pip")
    if index > 1:
        _PIP_OPTIONS.run(walk, argv[:index], None)
    verb = argv[index] if index < len(argv) else "help"
    program = _PIP.get(verb) if known(verb) else None
    if program is not None:
        program.compile(f"pip {verb}")
        program.run(walk, [verb, *argv[index + 1 :]], stdin)
        return None
    if unknown(verb):
        walk.emit("A0", f"pip does what is not known: {show(verb)}")
    elif verb in ("index", "search"):
        walk.emit("A2", f"pip {verb} asks the package index")
    elif verb in ("config", "debug", "inspect", "hash", "cache", "completion"):
        walk.emit("A3" if verb == "cache" else "A8", f"pip {verb} is not known to be harmless")
    else:
        walk.emit("A3", f"installs, removes or downloads packages: {show(' '.join(argv))}")
    leaks(walk, argv)
    return UNK + taints(stdin)


# --- uv, poetry and others that run a command in an environment -------------------------------------------------------


class _Runner:
    """How ``TOOL run`` is written: its flags, its options with values, those that name a folder, and those that install."""

    __slots__ = ("adds", "flags", "folders", "installs", "values")

    def __init__(
        self, flags: str = "", values: str = "", folders: str = "", installs: str = "", adds: str = ""
    ) -> None:
        self.flags = frozenset(flags.split())
        self.values = frozenset(values.split())
        self.folders = frozenset(folders.split())
        self.installs = frozenset(installs.split())
        self.adds = frozenset(adds.split())

    def options(self, walk: Walk, argv: list[str], index: int, stops: frozenset[str]) -> int:
        """Judge the options from ``index`` on; returns where the first word stands, or an option of ``stops``."""
        from claude_orchestrator.safety.programs.framework import ROLES

        while index < len(argv) and argv[index][:1] == "-" and argv[index] != "-":
            argument = argv[index]
            name, equals, value = argument.partition("=")
            if name in stops:
                return index
            index += 1
            if argument == "--":
                break
            if name in self.values or name in self.folders or name in self.installs:
                if not equals:
                    value = argv[index] if index < len(argv) else ""
                    index += 1
                if name in self.folders:
                    ROLES["chdir"](walk, value)
                elif name in self.installs:
                    walk.emit("A3", f"installs {show(value)} first")
                elif unknown(value):
                    walk.emit("A0", f"an argument of {argv[0]} is not known: {show(value)}")
            elif argument in self.adds:
                walk.emit("A3", f"installs what {argument} names first")
            elif argument not in self.flags:
                walk.emit("A0", f"{argv[0]} has an option that is not known: {show(argument)}")
        return index


_UV = _Runner(
    "-q --quiet -v --verbose --offline --no-progress --no-cache -n --no-config --native-tls --no-python-downloads --frozen --locked --no-sync --active"
    " --no-active --no-editable --no-dev --no-default-groups --no-env-file --no-project"
    " --no-build --no-binary --managed-python --no-managed-python --link-mode",
    "--color --no-extra --no-group",
    "--directory --project",
    "--extra --group --only-group --with --with-editable --with-requirements -p --python --refresh-package --upgrade-package --index --index-url --default-index --extra-index-url"
    " --find-links -f -i -w --reinstall-package --package",
    "--all-extras --all-groups --all-packages --dev --only-dev --isolated --exact --reinstall --refresh --upgrade -U",
)
_UV_STOPS = frozenset(
    "-m --module -s --script --gui-script --env-file --config-file --allow-insecure-host --cache-dir".split()
)


def _python(walk: Walk, arguments: list[str], stdin: str | None) -> str | None:
    return walk.run_argv(["python", *arguments], stdin)


def _uv(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if is_question(argv, frozenset("--version -V --help -h help version".split())):
        walk.emit("S2", "uv informs")
        return None
    index = _UV.options(walk, argv, 1, frozenset())
    verb = argv[index] if index < len(argv) else ""
    rest = argv[index + 1 :]
    if verb == "run":
        return _uv_run(walk, ["uv", *rest], stdin)
    if verb == "pip":
        inner = rest[0] if rest else ""
        if inner in ("list", "show", "freeze", "check", "tree") and not set(rest) & {
            "--outdated",
            "-p",
            "--python",
            "--target",
            "--prefix",
        }:
            return _pip(walk, ["pip", *rest], stdin)
    if verb == "tool" and rest[:1] == ["run"]:
        return _downloader(walk, ["uv tool run", *rest[1:]], stdin)
    if verb == "build":
        walk.emit("A3", "uv build may install what the build needs")
    elif verb == "publish":
        walk.emit("A11", "uploads packages")
    else:
        walk.emit("A0" if unknown(verb) else "A3", f"uv installs or changes packages: {show(' '.join(argv))}")
    leaks(walk, argv)
    return UNK


def _uv_run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    index = _UV.options(walk, argv, 1, _UV_STOPS)
    while index < len(argv) and argv[index].partition("=")[0] in _UV_STOPS:
        name, equals, value = argv[index].partition("=")
        index += 1
        if not equals:
            value = argv[index] if index < len(argv) else ""
            index += 1
        if name in ("-m", "--module"):
            return _python(walk, ["-m", value, *argv[index:]], stdin)
        if name == "--env-file":
            walk.read(value)
            walk.emit("A10", f"sets the variables of {show(value)} for a command")
        elif name in ("-s", "--script", "--gui-script"):
            return _python(walk, [value, *argv[index:]], stdin)
        else:
            walk.emit("A0", f"uv has an option that is not known: {name}")
        index = _UV.options(walk, argv, index, _UV_STOPS)
    command = argv[index:]
    if not command:
        walk.emit("A8", "uv runs nothing that is known")
        return None
    if command[0].endswith((".py", ".pyw")) or command[0] == "-" or re.match(r"https?://", command[0]):
        if "://" in command[0]:
            walk.emit("B5", f"runs {show(command[0])}, which is downloaded")
        return _python(walk, command, stdin)
    return walk.run_argv(command, stdin)


_POETRY = _Runner(
    "-q --quiet -v -vv -vvv --verbose -n --no-interaction --ansi --no-ansi --no-plugins --no-cache",
    "",
    "-C --directory -P --project",
)


def _poetry(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if is_question(argv, frozenset("--version -V --help -h help about".split())):
        walk.emit("S2", "poetry informs")
        return None
    index = _POETRY.options(walk, argv, 1, frozenset())
    verb = argv[index] if index < len(argv) else ""
    if verb == "run":
        index = _POETRY.options(walk, argv, index + 1, frozenset())
        if index < len(argv):
            return walk.run_argv(argv[index:], stdin)
        walk.emit("A0", "poetry runs nothing")
    elif verb in ("publish", "config"):
        walk.emit("A11" if verb == "publish" else "A8", f"poetry {verb} changes something outside the project")
    elif verb in ("show", "check", "version", "env", "shell", "build", "search", "source", "list"):
        walk.emit("A8", f"poetry {verb} is not known to be harmless")
    else:
        walk.emit("A0" if unknown(verb) else "A3", f"poetry installs or changes packages: {show(' '.join(argv))}")
    leaks(walk, argv)
    return UNK


def _downloader(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``uvx``, ``pipx run``: what is run is downloaded first; what it does is judged, too."""
    if is_question(argv):
        walk.emit("S2", f"{argv[0]} informs")
        return None
    walk.emit("A3", f"downloads what it runs: {show(' '.join(argv))}")
    passes_on(walk, [argv[0], "run", *argv[1:]], stdin)
    return UNK


def _lists(words: str, installs: str, asks: str = "", sends: str = "") -> Program:
    """A package manager that is only told apart by its verb: nothing of it is safe but its version."""
    installing, asking, sending, telling = (frozenset(w.split()) for w in (installs, asks, sends, words))

    def run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        if is_question(argv, frozenset("--version -v -V --help -h version help".split())):
            walk.emit("S2", f"{argv[0]} informs")
            return None
        verb = next((a for a in argv[1:] if a[:1] != "-"), "")
        line = show(" ".join(argv[:8]))
        if unknown(verb):
            walk.emit("A0", f"does what is not known: {line}")
        elif verb in sending:
            walk.emit("A11", f"changes something at a registry: {line}")
        elif verb in asking:
            walk.emit("A2", f"asks a registry: {line}")
        elif verb in telling:
            walk.emit("A8", f"is not known to be harmless: {line}")
        else:
            walk.emit(
                "A3" if not installing or verb in installing else "A0", f"installs, removes or changes packages: {line}"
            )
        leaks(walk, argv)
        return UNK

    return custom(run)


_PLAIN = (
    "apt apt-get aptitude dpkg yum dnf microdnf rpm zypper pacman yay paru apk emerge xbps-install nix nix-env nix-shell guix flatpak snap port pkg pkg_add choco winget scoop"
    " conda mamba micromamba easy_install pipx virtualenv pyenv nvm fnm volta rbenv asdf mise rustup sdk corepack cpan cpanm luarocks opam vcpkg conan carthage"
    " pod mas softwareupdate add-apt-repository"
).split()

ROWS: dict[str, Program] = {
    "pip": custom(_pip),
    "pip3": custom(_pip),
    "pip2": custom(_pip),
    **{f"pip3.{minor}": custom(_pip) for minor in range(8, 15)},
    "uv": custom(_uv),
    "poetry": custom(_poetry),
    "uvx": custom(_downloader),
    "brew": _lists("list ls info config doctor deps uses --prefix leaves services", "", "search outdated livecheck"),
    "gem": _lists(
        "list environment env contents which query dependency",
        "",
        "search outdated info",
        "push yank owner signin signout",
    ),
    "composer": _lists(
        "run run-script exec validate show info status diagnose dump-autoload check-platform-reqs",
        "",
        "search outdated audit",
        "",
    ),
    "twine": fixed("A11", "uploads packages"),
    **{name: fixed("A3", "installs, removes or changes packages", "-v version") for name in _PLAIN},
    "ensurepip": fixed("A3", "installs pip"),
}
