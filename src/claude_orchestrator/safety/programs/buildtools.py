"""Build tools and the compiled languages' test runners and linters: make, cargo, go, mvn, gradle, dotnet, bundle (S3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import ROLES, Options, Program, custom
from claude_orchestrator.safety.programs.runners import altering, fixed, given, informs, is_question, site, tool, work
from claude_orchestrator.safety.values import UNK, known, show, taints, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

# --- make -------------------------------------------------------------------------------------------------------------

_TARGETS = frozenset("test lint check build all format".split())
_MAKE_VARIABLES = frozenset("V VERBOSE DEBUG Q CI NO_COLOR COLOR JOBS".split())
_MAKE_VARIABLE = re.compile(r"([A-Za-z_]\w*)=([\w.@-]*)")


def _makefile(walk: Walk, value: str) -> None:
    """A makefile must lie in the workspace, and be a file."""
    if value in ("-", "/dev/stdin"):
        walk.emit("A8", "make runs what it reads from its input")
    else:
        work(walk, value)


def _make(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for value in operands:
        variable = _MAKE_VARIABLE.fullmatch(value)
        if "=" in value:
            if variable is None or variable[1] not in _MAKE_VARIABLES:
                walk.emit("A0", f"make is given a variable that can change what it runs: {show(value)}")
        elif unknown(value):
            walk.emit("A0", f"make is given a target that is not known: {show(value)}")
        elif value.isdigit() and given(options) & {"j", "jobs", "l"}:
            continue
        elif value not in _TARGETS:
            walk.emit("A8", f"makes {show(value)}, which is not known to be a test, a check or a build")
    walk.emit("S3", f"makes {show(' '.join(operands)) or 'the default target'}")
    return None


ROLES.update(makefile=_makefile)

_MAKE = (
    "-bmBdikLnpqrRsSwhv -j? -l? -O? -C=chdir -f=makefile -I=work -o= -W= -E=!A8 -e!A10 -t!A0 --always-make --debug? --directory=chdir --file=makefile"
    " --makefile=makefile --include-dir=work --ignore-errors --jobs? --keep-going --load-average? --max-load? --check-symlink-times --just-print --dry-run"
    " --recon --old-file= --assume-old= --output-sync? --print-data-base --question --no-builtin-rules --no-builtin-variables --silent --quiet --no-silent"
    " --no-keep-going --stop --trace --print-directory --no-print-directory --what-if= --new-file= --assume-new= --warn-undefined-variables --eval=!A8"
    " --environment-overrides!A10 --touch!A0 --shuffle? --help --version"
)

# --- cargo ------------------------------------------------------------------------------------------------------------

_CARGO_GLOBAL = " -qv --quiet --verbose --color= --frozen --locked --offline --config=!A8 -Z=!A8 -C=chdir -h --help"


def _target(walk: Walk, value: str) -> None:
    """A target's name, or the description of one in a file."""
    if "/" in value or value.endswith(".json"):
        work(walk, value)


def _words(walk: Walk, value: str) -> None:
    if "/" in value or ".." in value:
        work(walk, value)


ROLES.update(target=_target, words=_words)

_CARGO_BUILD = (
    "-r -j= -p= -F= --package= --workspace --all --exclude= --lib --bin= --bins --example= --examples --test= --tests --bench= --benches --all-targets"
    " --jobs= --keep-going --release --profile= --features= --all-features --no-default-features --target=target --target-dir=out --manifest-path=work"
    " --lockfile-path=work --message-format= --timings? --ignore-rust-version --future-incompat-report --unit-graph=!A8 --artifact-dir=out --out-dir=out"
    " --build-plan" + _CARGO_GLOBAL
)
_HARNESS = tool(
    "-q --nocapture --no-capture --show-output --test-threads= --ignored --include-ignored --exact --skip= --list --quiet --color= --format= --report-time"
    " --ensure-time --shuffle --shuffle-seed= --test --bench --exclude-should-panic --logfile=out --help --nightly --force-run-in-process -Z=!A8"
    " --save-baseline=words --baseline=words --load-baseline=words --sample-size= --warm-up-time= --measurement-time= --noplot --verbose --quick --output-format=",
    "text*",
)
_RUSTC_LINTS = tool("-A= -W= -D= -F= --allow= --warn= --deny= --forbid= --cap-lints= --no-deps --help")
_RUSTFMT = tool(
    "-lqv --check --edition= --style-edition= --emit= --files-with-diff --config-path=work --config=!A0 --backup --color= --quiet --verbose --unstable-features"
    " --skip-children -h --help -V --version",
    "work*",
)
_CARGO_REST = {"test": _HARNESS, "bench": _HARNESS, "clippy": _RUSTC_LINTS, "fmt": _RUSTFMT}
_CARGO_NAMES = {"t": "test", "c": "check", "b": "build", "d": "doc"}
_CARGO: dict[str, Program] = {
    "test": tool("--doc --no-run --no-fail-fast" + " " + _CARGO_BUILD, "words*"),
    "bench": tool("--no-run --no-fail-fast" + " " + _CARGO_BUILD, "words*"),
    "check": tool(_CARGO_BUILD),
    "build": tool(_CARGO_BUILD),
    "doc": tool("--no-deps --document-private-items --open!A8" + " " + _CARGO_BUILD),
    "clippy": tool("--fix --no-deps --allow-dirty --allow-staged --allow-no-vcs --broken-code" + " " + _CARGO_BUILD),
    "fmt": tool("-p= --package= --all --check --manifest-path=work --message-format= --version" + _CARGO_GLOBAL),
    "version": informs("-v --verbose"),
    "help": informs("", "text*"),
}
_CARGO_INSTALLS = frozenset(
    "add install update fetch remove rm uninstall upgrade vendor generate-lockfile binstall init new".split()
)
_CARGO_SENDS = frozenset("publish login logout yank owner".split())
_CARGO_OPTIONS = tool("--list -V --version" + _CARGO_GLOBAL)


def _cargo(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if is_question(argv, frozenset("--version -V --help -h --list version help".split())):
        walk.emit("S2", "cargo informs")
        return None
    if len(argv) > 1 and argv[1][:1] == "+":
        walk.emit("A0", f"uses the toolchain {show(argv[1][1:])}, which may be downloaded")
        argv = [argv[0], *argv[2:]]
    index = 1
    while index < len(argv) and argv[index][:1] == "-":
        index += 2 if argv[index] in ("--config", "-Z", "-C", "--color") else 1
    _CARGO_OPTIONS.compile("cargo")
    _CARGO_OPTIONS.run(walk, argv[:index], None)
    if index >= len(argv):
        return None
    verb, rest = argv[index], argv[index + 1 :]
    verb = _CARGO_NAMES.get(verb, verb)
    if verb not in _CARGO:
        if not known(verb):
            walk.emit("A0", f"cargo does what is not known: {show(verb)}")
        elif verb in _CARGO_INSTALLS:
            walk.emit("A3", f"cargo {verb} installs or changes packages: {show(' '.join(rest))}")
        elif verb in _CARGO_SENDS:
            walk.emit("A11", f"cargo {verb} changes something at the registry")
        elif verb in ("search", "info"):
            walk.emit("A2", f"cargo {verb} asks the registry")
        elif verb == "clean":
            walk.emit("A1", "deletes what was built")
        else:
            walk.emit("A8", f"cargo {show(verb)} runs what is not a test, a check or a build")
        return UNK + taints(stdin)
    after: list[str] = []
    if "--" in rest:
        cut = rest.index("--")
        rest, after = rest[:cut], rest[cut + 1 :]
    program = _CARGO[verb]
    program.compile(f"cargo {verb}")
    program.run(walk, [verb, *rest], stdin)
    if after:
        inner = _CARGO_REST.get(verb)
        if inner is None:
            walk.emit("A0", f"cargo {verb} passes on what is not known: {show(' '.join(after))}")
        else:
            inner.compile(f"cargo {verb} --")
            inner.run(walk, [verb, *after], None)
    return UNK


# --- go ---------------------------------------------------------------------------------------------------------------

_LINK = re.compile(r"\s*(?:(?:-s|-w|-X[= ]\s*['\"]?[\w./-]+=[\w./:+@-]*['\"]?)\s*)*")
_COMPILE = re.compile(r"\s*(?:(?:[\w./-]+=)?(?:-N|-l|-m|-m=\d|-e|-B|-S)\s*)*")


def _linker(walk: Walk, value: str) -> None:
    """The linker's flags: only those that choose no program."""
    if not _LINK.fullmatch(value):
        walk.emit("A8", f"gives the linker flags that may choose another program: {show(value)}")


def _compiler(walk: Walk, value: str) -> None:
    if not _COMPILE.fullmatch(value):
        walk.emit("A8", f"gives the compiler flags that are not known: {show(value)}")


def _module(walk: Walk, value: str) -> None:
    """``-mod=mod`` may download and change what the project depends on."""
    if value not in ("readonly", "vendor"):
        walk.emit("A3", "may change or download modules")


def _packages(walk: Walk, value: str) -> None:
    host = "." in value.partition("/")[0].strip(".") and not value.endswith(".go")
    if host or "@" in value:
        walk.emit("A3", f"may download {show(value)}")
    work(walk, value)


ROLES.update(linker=_linker, compiler=_compiler, module=_module, packages=_packages)

_GO_BUILD = (
    " -a -n -p= -race -msan -asan -cover -covermode= -coverpkg= -v -work -x -tags= -trimpath -buildvcs= -buildmode= -json -C=chdir -mod=module -modfile=work"
    " -ldflags=linker -gcflags=compiler -installsuffix= -pgo=work -linkshared -modcacherw -overlay=!A8 -toolexec=!A8 -exec=!A8 -compiler=!A8 -gccgoflags=!A8"
    " -asmflags=!A8 -pkgdir=!A8 -h -help --help"
)
_GO: dict[str, Program] = {
    "test": tool(
        "-o=out -c -i -run= -skip= -bench= -benchtime= -benchmem -count= -cpu= -list= -parallel= -short -failfast -timeout= -shuffle= -vet= -fullpath"
        " -coverprofile=out -cpuprofile=out -memprofile=out -blockprofile=out -mutexprofile=out -trace=out -outputdir=out -memprofilerate="
        " -blockprofilerate= -mutexprofilefraction= -fuzz= -fuzztime= -fuzzminimizetime= -artifacts -args!A0"
        + _GO_BUILD,
        "packages*",
        style="go",
    ),
    "build": tool("-o=out" + _GO_BUILD, "packages*", style="go"),
    "vet": tool(
        "-c= -fix -diff -vettool=!A8 -printf -shadow -composites -copylocks -unusedresult -structtag -tests -unreachable -assign -atomic -bools -shift"
        " -stdmethods -nilfunc -lostcancel -loopclosure -unsafeptr -errorsas -ifaceassert -unmarshal -stringintconv -testinggoroutine"
        + _GO_BUILD,
        "packages*",
        style="go",
    ),
    "fmt": tool("-n -x -mod=module -modfile=work -C=chdir", "packages*", style="go"),
    "version": informs("-m -v", "work*"),
    "help": informs("", "text*"),
}
_GO_INSTALLS = frozenset("get install mod work".split())


def _go(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if is_question(argv, frozenset(("help", "-h", "--help", "version", "-help"))):
        walk.emit("S2", "go informs")
        return None
    index = 1
    if len(argv) > 1 and argv[1] in ("-C", "--C") and len(argv) > 3:
        ROLES["chdir"](walk, argv[2])
        index = 3
    elif len(argv) > 1 and argv[1].lstrip("-").startswith("C="):
        ROLES["chdir"](walk, argv[1].partition("=")[2])
        index = 2
    verb = argv[index] if index < len(argv) else ""
    program = _GO.get(verb) if known(verb) else None
    if program is not None:
        program.compile(f"go {verb}")
        return program.run(walk, argv[index:], stdin)
    if not known(verb):
        walk.emit("A0", f"go does what is not known: {show(verb)}")
    elif verb in _GO_INSTALLS:
        walk.emit("A3", f"go {verb} downloads or changes modules: {show(' '.join(argv[index + 1 :]))}")
    elif verb == "clean":
        walk.emit("A1", "deletes what was built")
    else:
        walk.emit("A8", f"go {show(verb)} runs what is not a test, a check or a build")
    return UNK


# --- the Java virtual machine -----------------------------------------------------------------------------------------

_GOALS = frozenset("test compile verify".split())
_PROPERTY = re.compile(
    r"(?:(?:test|it\.test|groups|excludedGroups|surefire\.failIfNoSpecifiedTests|failIfNoTests|failIfNoSpecifiedTests|style\.color"
    r"|maven\.test\.failure\.ignore|surefire\.rerunFailingTestsCount|surefire\.skipAfterFailureCount|skipTests|skipITs|skipUTs|(?:[\w-]+\.)*skip)"
    r"(?:=[\w.,*!#?+$\[\]()|&: -]*)?)"
)
_MVN = tool(
    "-q -quiet -B -batch-mode -o -offline -pl= -projects= -am -also-make -amd -also-make-dependents -rf= -resume-from= -T= -threads= -e -errors -X"
    " -debug -f=work -file=work -s=work -settings=work -gs=work -global-settings=work -P= -activate-profiles= -ntp -no-transfer-progress -fae -fail-at-end -ff"
    " -fail-fast -fn -fail-never -N -non-recursive -nsu -no-snapshot-updates -U!A3 -update-snapshots!A3 -l=out -log-file=out -color= -v -version -V"
    " -show-version -h -help -C -c -strict-checksums -lax-checksums",
    "text*",
    style="go",
    hook=lambda walk, argv, options, operands, stdin: _goals(walk, "mvn", operands, _GOALS),
)


def _goals(walk: Walk, name: str, operands: list[str], safe: frozenset[str]) -> str | None:
    for goal in operands:
        if goal.rpartition(":")[2] not in safe or (name == "mvn" and ":" in goal) or not re.fullmatch(r"[\w:-]+", goal):
            walk.emit(
                "A0" if unknown(goal) else "A8", f"{name} runs {show(goal)}, which is not a test, a check or a build"
            )
    if not operands:
        walk.emit("A8", f"{name} runs its default")
    walk.emit("S3", f"{name} runs {show(' '.join(operands))}")
    return None


def _mvn(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if is_question(argv, frozenset("--version -v -version --help -h".split())):
        walk.emit("S2", "mvn informs")
        return None
    rest = [argv[0]]
    index = 1
    while index < len(argv):
        argument = argv[index]
        index += 1
        if argument[:2] == "-D" or argument == "--define":
            value = argument[2:] if argument[:2] == "-D" else ""
            if not value and index < len(argv):
                value = argv[index]
                index += 1
            if not _PROPERTY.fullmatch(value):
                walk.emit("A0", f"mvn is given a property that can change what it runs: {show(value)}")
        else:
            rest.append(argument)
    _MVN.compile("mvn")
    return _MVN.run(walk, rest, stdin)


_GRADLE_TASKS = frozenset("test build check".split())
_GRADLE = tool(
    "-qidsSwmav -x= -t -p=chdir -b=work -c=work -I=work -F= --tests= --quiet --info --debug --stacktrace --full-stacktrace --warn --continue --no-continue"
    " --offline --parallel --no-parallel --daemon --no-daemon --rerun-tasks --rerun --build-cache --no-build-cache --console= --warning-mode= --exclude-task="
    " --max-workers= --dry-run --configure-on-demand --no-configure-on-demand --configuration-cache --no-configuration-cache --project-dir=chdir"
    " --build-file=work --settings-file=work --init-script=work --include-build=work --profile --watch-fs --no-watch-fs --fail-fast --no-fail-fast"
    " --no-rebuild --continuous --scan!A2 --no-scan --refresh-dependencies!A3 --refresh-keys!A3 --write-locks!A3 --update-locks=!A3 --priority= --stop!A7 --status"
    " --version --help -h --test-dry-run --no-problems-report --problems-report",
    "text*",
    hook=lambda walk, argv, options, operands, stdin: _goals(walk, "gradle", operands, _GRADLE_TASKS),
    info="-v --status",
)

# --- .NET -------------------------------------------------------------------------------------------------------------


def _logger(walk: Walk, value: str) -> None:
    """A logger of ``dotnet test``: a known one, with a file's name at most."""
    name, _, rest = value.partition(";")
    if name.lower() not in ("trx", "console", "html") or "/" in rest or ".." in rest or "\\" in rest:
        walk.emit("A8", f"loads the logger {show(value)}")


def _collector(walk: Walk, value: str) -> None:
    if not re.fullmatch(r"[\w ]+(?:;Format=\w+)?", value):
        walk.emit("A8", f"loads the collector {show(value)}")


ROLES.update(logger=_logger, collector=_collector)

_DOTNET_BUILD = (
    " -c= --configuration= -f= --framework= -r= --runtime= -v= --verbosity= --no-restore --nologo -o=out --output=out --artifacts-path=out --arch= -a= --os="
    " --interactive --disable-build-servers --tl? -p=!A0 --property=!A0 -s=!A3 --source=!A3 -h --help"
)
_DOTNET: dict[str, Program] = {
    "test": tool(
        "--no-build --filter= -l=logger --logger=logger --results-directory=out --collect=collector --blame --blame-crash --blame-hang --blame-hang-timeout=!A0"
        " -t --list-tests --settings=work -d=out --diag=out --test-adapter-path=work -e=!A10 --environment=!A10"
        + _DOTNET_BUILD.replace(" -s=!A3 --source=!A3", " -s=work").replace(" -a=", " "),
        "work*",
    ),
    "build": tool(
        "--no-incremental --no-dependencies --force --self-contained --no-self-contained --use-current-runtime --ucr --version-suffix="
        + _DOTNET_BUILD,
        "work*",
    ),
    "help": informs("", "text*"),
}
_DOTNET_ASKS = frozenset("--version --info --list-sdks --list-runtimes --help -h help".split())
_DOTNET_INSTALLS = frozenset("add remove restore tool workload new package reference".split())


def _dotnet(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if is_question(argv, _DOTNET_ASKS):
        walk.emit("S2", "dotnet informs")
        return None
    verb = argv[1] if len(argv) > 1 else ""
    program = _DOTNET.get(verb) if known(verb) else None
    if program is not None:
        rest = argv[1:]
        if any(argument[:1] == "@" for argument in rest):
            walk.emit("A0", "dotnet takes arguments from a file")
        if "--" in rest:
            walk.emit("A0", "dotnet passes settings on that can load other code")
        program.compile(f"dotnet {verb}")
        return program.run(walk, rest, stdin)
    if verb in _DOTNET_INSTALLS:
        walk.emit("A3", f"dotnet {verb} installs or changes packages: {show(' '.join(argv[2:]))}")
    elif verb == "nuget":
        walk.emit("A11" if "push" in argv or "delete" in argv else "A2", "dotnet nuget uses a package registry")
    elif verb == "clean":
        walk.emit("A1", "deletes what was built")
    else:
        walk.emit("A0" if unknown(verb) else "A8", f"dotnet {show(verb)} runs what is not a test or a build")
    return UNK


# --- Ruby -------------------------------------------------------------------------------------------------------------

_RSPEC = tool(
    "-bcwnh -d!A8 -r=work -I=work -f=words -o=out -e= -E= -t= -P=work -O=work -p? -x!A8 -v -X!A8 --require=work --format=words --out=out --example= --example-matches= --tag= --pattern=work"
    " --exclude-pattern= --seed= --order= --backtrace --color --colour --no-color --force-color --force-colour --fail-fast? --no-fail-fast --next-failure"
    " --only-failures --warnings --profile? --no-profile --dry-run --options=work --default-path=work --deprecation-out=out --failure-exit-code="
    " --error-exit-code= --bisect? --drb!A8 --drb-port=!A8 --init!A0 --version --help --only-failures --fail-if-no-examples --default_path=work",
    "work*",
    hook=lambda walk, argv, options, operands, stdin: _specs(walk, operands),
)


def _specs(walk: Walk, operands: list[str]) -> str | None:
    for value in operands:
        work(walk, re.sub(r"(?::\d+)+$|\[[\d:,]+\]$", "", value))
    walk.emit("S3", "rspec runs tests")
    return None


_RUBOCOP = tool(
    "-aAxlDESdLvVFhP -f=words -o=out -c=work -r=work -s=site --autocorrect --auto-correct --autocorrect-all --auto-correct-all --fix-layout --safe --only= --except="
    " --format=words --out=out --config=work --require=work --plugin=work --lint --display-cop-names --no-display-cop-names --extra-details"
    " --display-style-guide --display-time --display-only-fail-level-offenses --parallel --no-parallel --fail-level= --fail-fast --force-exclusion"
    " --ignore-parent-exclusion --only-recognized-file-types --ignore-unrecognized-cops --force-default-config --cache= --cache-root=out --stdin=site"
    " --list-target-files --auto-gen-config --no-auto-gen-timestamp --exclude-limit= --no-server --debug --color --no-color --show-cops? --verbose-version"
    " --version --help --disable-uncorrectable --enable-all-cops --disable-pending-cops --enable-pending-cops --safe-auto-correct --editor-mode --raise-cop-error"
    " --display-only-correctable --display-only-safe-correctable",
    "site*",
    hook=altering(
        "a A x autocorrect auto-correct autocorrect-all auto-correct-all fix-layout auto-gen-config safe-auto-correct",
        look=site,
    ),
    info="-v",
)
_BUNDLE_RUNS = frozenset(("rspec", "rubocop"))


def _bundle(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if is_question(argv, frozenset("--version -v -V --help -h version help".split())):
        walk.emit("S2", "bundle informs")
        return None
    verb = argv[1] if len(argv) > 1 else ""
    if verb == "exec":
        command = argv[2:]
        while command and command[0] in ("--keep-file-descriptors", "--no-keep-file-descriptors", "--"):
            command = command[1:]
        if not command or command[0] not in _BUNDLE_RUNS:
            walk.emit("A8", f"bundle runs {show(' '.join(command))}")
            if command:
                walk.run_argv(command, stdin)
            return UNK
        return walk.run_argv(command, stdin)
    if verb in (
        "show",
        "list",
        "info",
        "check",
        "config",
        "env",
        "platform",
        "doctor",
        "open",
        "console",
        "viz",
        "licenses",
        "exec",
    ):
        walk.emit("A8", f"bundle {verb} is not known to be harmless")
    else:
        walk.emit("A3", f"bundle installs or changes packages: {show(' '.join(argv))}")
    return UNK


# --- shellcheck, and what is not named as a safe runner ----------------------------------------------------------------

_SHELLCHECK = (
    "-ax -C? -e= -f= -i= -o= -P=work -s= -S= -W= -V --check-sourced --color? --include= --exclude= --extended-analysis= --format= --list-optional --norc"
    " --rcfile=work --enable= --source-path=work --shell= --severity= --version --wiki-link-count= --external-sources --help"
)
_OTHER_BUILDERS = (
    "cmake ctest cpack ninja meson bazel bazelisk buck buck2 pants just task rake sbt ant lein mix rebar3 phpunit phpstan psalm pest swiftlint"
    " xcodebuild flutter dart zig stack cabal dune ghc rustc gcc g++ cc c++ clang clang++ clang-format clang-tidy cpp ld as gfortran nasm javac kotlinc"
    " scalac tsup esbuild rollup webpack vite parcel turbo nx lerna rush wireit next nuxt astro gatsby ng vue-cli-service playwright cypress ava"
    " biome oxlint stylelint standard xo c8 nyc karma protractor ember hatch pdm pipenv rye pixi invoke inv fab doit sphinx-build mkdocs hugo"
    " jekyll golangci-lint staticcheck gofmt goimports gopls rustfmt rust-analyzer hadolint yamllint markdownlint codespell bandit vulture pycodestyle"
    " pyflakes pydocstyle autopep8 yapf pytype pyre djlint tsserver flask uvicorn gunicorn hypercorn celery streamlit jupyter django-admin scrapy"
    " locust behave robot nosetests nose2 ptw pytest-watch watchexec nodemon concurrently foreman honcho overmind air"
).split()

ROWS: dict[str, Program] = {
    "make": tool(_MAKE, "text*", hook=_make, info="-v"),
    "gmake": tool(_MAKE, "text*", hook=_make, info="-v"),
    "cargo": custom(_cargo),
    "go": custom(_go),
    "mvn": custom(_mvn),
    "gradle": _GRADLE,
    "dotnet": custom(_dotnet),
    "bundle": custom(_bundle),
    "bundler": custom(_bundle),
    "rspec": _RSPEC,
    "rubocop": _RUBOCOP,
    "shellcheck": tool(_SHELLCHECK, "check*"),
    **{
        name: fixed("A8", "runs a program that is not known to be a harmless runner", "-v --version -version", "")
        for name in _OTHER_BUILDERS
    },
}
