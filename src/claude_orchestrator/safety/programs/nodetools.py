"""JavaScript's test runners, linters, formatters and compilers, and the package managers' ways to run scripts (S3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import ROLES, Options, Program, custom
from claude_orchestrator.safety.programs.runners import (
    altering,
    at_home,
    given,
    is_question,
    leaks,
    out,
    site,
    tool,
    work,
)
from claude_orchestrator.safety.values import UNK, known, show, taints, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

SCRIPTS = frozenset("test lint typecheck build format".split())
"""The scripts of a ``package.json`` that are tests, linters, type checks, builds and formatters (S3)."""


def _reporter_option(walk: Walk, value: str) -> None:
    """``name=value`` of a reporter: the value may be the file that it writes."""
    for part in value.split(","):
        name, _, path = part.partition("=")
        if path and name not in ("suiteName", "quiet", "hideTitles"):
            out(walk, path)


ROLES["reporter"] = _reporter_option

# --- test runners -----------------------------------------------------------------------------------------------------

_JEST = (
    "-bioeuvhf -c=work -t= -w= --config=work --rootDir=work --roots=work --projects=work --setupFiles=work --setupFilesAfterEnv=work --globalSetup=work"
    " --globalTeardown=work --resolver=work --testEnvironment=work --env=work --reporters=work --runner=work --testRunner=work"
    " --testResultsProcessor=work --testSequencer=work --preset=work --modulePaths=work --snapshotSerializers=work --watchPlugins=work --filter=work"
    " --transform=!A8 --moduleNameMapper=!A8 --globals=!A8 --haste=!A8 --notify!A8 --init!A8 --clearCache!A1"
    " --coverageDirectory=out --cacheDirectory=out --outputFile=out --coverage? --collectCoverage? --coverageReporters=work --coverageProvider="
    " --coverageThreshold= --collectCoverageFrom= --testNamePattern= --testPathPattern= --testPathPatterns= --testPathIgnorePatterns= --testMatch="
    " --testRegex= --verbose? --silent? --ci? --bail? --runInBand --maxWorkers= --watch? --watchAll? --updateSnapshot --passWithNoTests --listTests"
    " --findRelatedTests --onlyChanged --onlyFailures --changedSince=ref --lastCommit --json --no-cache --cache? --detectOpenHandles --forceExit"
    " --logHeapUsage --noStackTrace --expand --colors --color --no-color --no-coverage --randomize --seed= --selectProjects= --ignoreProjects="
    " --shard= --showConfig --showSeed --testTimeout= --testLocationInResults --useStderr --workerIdleMemoryLimit= --injectGlobals? --errorOnDeprecated"
    " --openHandlesTimeout= --maxConcurrency= --runTestsByPath --nonFlagArgs --version --help --debug --no-watchman --watchman? --resetMocks"
    " --clearMocks --restoreMocks --resetModules --skipFilter --waitForUnhandledRejections --detectLeaks --no-silent --no-verbose --no-watch"
)

_VITEST = (
    "-uwvh -c=work -r=work -t= --config=work --root=work --dir=work --testNamePattern= --coverage? --coverage.enabled? --coverage.reporter=work --coverage.include="
    " --coverage.exclude= --coverage.all? --coverage.reportsDirectory=out --coverage.provider=work --reporter=work --outputFile=out"
    " --outputFile.json=out --outputFile.junit=out --outputFile.html=out --update --watch? --no-watch --run --silent? --bail= --retry= --mode="
    " --environment=work --globals --pool=work --isolate? --no-isolate --threads? --no-threads --passWithNoTests --allowOnly --changed?ref --shard= --project="
    " --typecheck? --typecheck.only --logHeapUsage --no-color --color --hideSkippedTests --sequence.shuffle --sequence.seed= --sequence.concurrent"
    " --testTimeout= --hookTimeout= --teardownTimeout= --maxWorkers= --minWorkers= --no-file-parallelism --fileParallelism? --dom --exclude= --clearScreen?"
    " --no-coverage --inspect!A8 --inspectBrk!A8 --ui!A8 --open!A8 --api?!A8 --browser?!A8 --version --help --standalone --slowTestThreshold="
    " --expand-snapshot-diff --disable-console-intercept --printConsoleTrace --json?out --filesOnly --staticParse --no-cache"
)
_VITEST_VERBS = frozenset("run watch dev related bench list".split())


def _vitest(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    if operands and operands[0] == "init":
        walk.emit("A3", "vitest init installs packages")
    for value in operands[1:] if operands and operands[0] in _VITEST_VERBS else operands:
        work(walk, value)
    walk.emit("S3", "vitest runs tests")
    return None


_MOCHA = (
    "-bwpciSACh -r=work -f= -g= -t= -s= -j= -u=work -R=work -O=reporter -V -n=!A8 --require=work --config=work --package=work --opts=work --file=work --fgrep= --grep="
    " --invert --timeout= --timeouts= --reporter=work --reporter-option=reporter --reporter-options=reporter --slow= --bail --watch --recursive --extension="
    " --ext= --exit --no-exit --parallel --no-parallel --jobs= --retries= --ui=work --check-leaks --full-trace --color --colors --no-color --no-colors --diff"
    " --no-diff --allow-uncaught --async-only --delay --dry-run --forbid-only --forbid-pending --global= --globals= --inline-diffs --spec=work --sort"
    " --ignore= --exclude= --node-option=!A8 --inspect!A8 --inspect-brk!A8 --watch-files= --watch-ignore= --list-reporters --list-interfaces"
    " --fail-zero --no-config --no-package --no-opts --version --help --growl!A8"
)

# --- linters, formatters, compilers -----------------------------------------------------------------------------------

_ESLINT = (
    "-hv -c=work -o=out -f=work --config=work --no-config-lookup --no-eslintrc --eslintrc --env= --ext= --global= --parser=work --parser-options=plain"
    " --resolve-plugins-relative-to=work --plugin=work --rule= --rulesdir=work --fix --fix-dry-run --fix-type= --ignore-path=work --no-ignore"
    " --ignore --ignore-pattern= --stdin --stdin-filename=site --quiet --max-warnings= --output-file=out --format=work --color --no-color"
    " --no-inline-config --report-unused-disable-directives --report-unused-disable-directives-severity= --report-unused-inline-configs= --cache --no-cache"
    " --cache-file=out --cache-location=out --cache-strategy= --init!A3 --env-info --no-error-on-unmatched-pattern --exit-on-fatal-error --debug"
    " --print-config=site --flag= --stats --no-warn-ignored --warn-ignored --pass-on-no-patterns --inspect-config!A3 --concurrency= --help --version"
    " --suppress-all --suppress-rule= --suppressions-location=out --prune-suppressions"
)

_PRETTIER = (
    "-cwlhu --check --write --list-different --config=work --no-config --plugin=work --plugin-search-dir=work --ignore-path=work --parser=work --stdin-filepath=site"
    " --log-level= --loglevel= --no-color --color --cache --no-cache --cache-location=out --cache-strategy= --ignore-unknown"
    " --no-error-on-unmatched-pattern --error-on-unmatched-pattern --print-width= --tab-width= --single-quote --no-single-quote --jsx-single-quote"
    " --no-semi --use-tabs --trailing-comma= --prose-wrap= --end-of-line= --find-config-path=site --find-config-file=site --file-info=site"
    " --support-info --no-editorconfig --editorconfig --config-precedence= --insert-pragma --require-pragma --with-node-modules --arrow-parens="
    " --quote-props= --bracket-same-line --no-bracket-spacing --html-whitespace-sensitivity= --embedded-language-formatting= --single-attribute-per-line"
    " --experimental-ternaries --no-plugin-search --help -v --version --object-wrap= --experimental-operator-position="
)

_TSC_FLAGS = (
    "noEmit watch pretty strict skipLibCheck skipDefaultLibCheck esModuleInterop build incremental declaration emitDeclarationOnly sourceMap listFiles"
    " listFilesOnly listEmittedFiles showConfig init diagnostics extendedDiagnostics traceResolution noErrorTruncation force dry verbose"
    " resolveJsonModule allowJs checkJs noImplicitAny noUnusedLocals noUnusedParameters noImplicitReturns strictNullChecks isolatedModules"
    " explainFiles preserveWatchOutput removeComments inlineSourceMap inlineSources noEmitOnError downlevelIteration experimentalDecorators all help version"
    " composite declarationMap allowSyntheticDefaultImports noFallthroughCasesInSwitch noUncheckedIndexedAccess exactOptionalPropertyTypes stopBuildOnErrors"
    " verbatimModuleSyntax noImplicitOverride noImplicitThis alwaysStrict strictFunctionTypes strictBindCallApply strictPropertyInitialization"
    " forceConsistentCasingInFileNames emitDecoratorMetadata noResolve preserveSymlinks assumeChangesOnlyAffectDirectDependencies noCheck"
)
_TSC = (
    "-bwdvhaif -p=work -t= -m= --project=work --outDir=out --outFile=out --out=out --declarationDir=out --tsBuildInfoFile=out --rootDir=work"
    " --rootDirs=work --baseUrl=work --target= --module= --moduleResolution= --lib= --jsx= --jsxFactory= --jsxImportSource= --types= --typeRoots=work"
    " --generateTrace=out --generateCpuProfile=out --mapRoot= --sourceRoot= --plugins=!A8 --clean!A1 --locale= --newLine= --moduleDetection="
    " --moduleSuffixes= --customConditions= --maxNodeModuleJsDepth= --allowImportingTsExtensions "
    + " ".join("--" + name for name in _TSC_FLAGS.split())
)


def _tsc(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for value in operands:
        if value[:1] == "@":
            walk.emit("A0", f"takes arguments from {show(value[1:])}")
        work(walk, value)
    walk.emit("S3", "tsc compiles or checks types")
    return None


# --- scripts of a package.json ----------------------------------------------------------------------------------------

_PASSED_ON = tool(
    "-bwvsiu -t= -g= -k= -c=work -o=out -f=work -r=work -p=work --fix --fix-dry-run --quiet --max-warnings= --ext= --cache --no-cache --format=work --output-file=out"
    " --config=work --require=work --check --write --list-different --noEmit --pretty? --watch? --watchAll? --no-watch --run --coverage? --no-coverage"
    " --collectCoverage? --coverageReporters=work --coverageDirectory=out --collectCoverageFrom= --coverage.enabled? --coverage.reporter=work"
    " --coverage.reportsDirectory=out --testNamePattern= --testPathPattern= --testPathPatterns= --testPathIgnorePatterns= --grep= --fgrep= --verbose?"
    " --silent? --ci? --bail? --runInBand --maxWorkers= --updateSnapshot --update --passWithNoTests --listTests --findRelatedTests --onlyChanged"
    " --changedSince=ref --json --outputFile=out --detectOpenHandles --forceExit --logHeapUsage --color --no-color --colors --seed= --shard= --testTimeout="
    " --reporter=work --reporters=work --project=work --timeout= --retries= --workers= --headless --help --version --filter=work --mode= --debug --outDir=out"
    " --outdir=out --minify --sourcemap? --strict --rootDir=work --root=work --dir=work --single-run --progress? --expand --selectProjects="
    " --runTestsByPath --ignore-pattern= --exclude= --include= --stats --parallel --recursive --exit --if-present --production --prod",
    "work*",
)
"""What tests, linters and builds are commonly given; of short options the most dangerous meaning."""


def script(walk: Walk, manager: str, name: str, arguments: list[str]) -> None:
    """Judge running a script of the project's ``package.json``, and the arguments that are passed on to it."""
    if not known(name):
        walk.emit("A0", f"runs a script that is not known: {show(name)}")
    elif name in SCRIPTS:
        walk.emit("S3", f"{manager} runs the script {name}")
    else:
        walk.emit("A8", f"{manager} runs the script {name}")
    if arguments:
        _PASSED_ON.compile("the script")
        _PASSED_ON.run(walk, [name, *arguments], None)


_NPM_OPTIONS = (
    "-sdq -w=work --prefix=chdir -C=chdir --workspace=work --workspaces --if-present --silent --quiet --loglevel= --script-shell=!A8 --shell=!A8 --userconfig=!A8"
    " --globalconfig=!A8 --node-options=!A10 --ignore-scripts --include-workspace-root --color? --no-color --foreground-scripts --offline --no-audit --no-fund"
    " --no-update-notifier --verbose --help -h --version -v --unsafe-perm --location=!A0"
)
_NPM_RUN = tool(_NPM_OPTIONS, "text*", hook=lambda walk, argv, options, operands, stdin: _npm_script(walk, operands))
_NPM_LIST = tool(
    _NPM_OPTIONS.replace(" -s", " ")
    + " -alpg --depth= --json --long --all --parseable --global --link --production --prod --dev --development --only= --omit= --include="
    " --package-lock-only --unicode? --no-unicode",
    "text*",
    rule="S2",
)
_NPM_RUNS = frozenset("run run-script rum urn".split())
_NPM_TESTS = frozenset("test t tst".split())
_NPM_LISTS = frozenset("ls list la ll".split())
_NPM_STARTS = frozenset("start stop restart".split())
_NPM_ASKS = frozenset(
    "outdated view v info show search s se find audit ping doctor whoami repo home docs bugs fund org team profile star stars explain query".split()
)
_NPM_SENDS = frozenset(
    "publish unpublish deprecate undeprecate dist-tag dist-tags owner author access token login adduser add-user logout trust stage".split()
)
_NPM_HELPS = frozenset("help help-search".split())
_NPM_INSTALLS = frozenset(
    "install i in ins inst isnt install-test it ci cit clean-install ic uninstall un remove rm r update up upgrade exec x init create innit dedupe ddp prune"
    " rebuild rb link ln install-ci-test pack cache shrinkwrap add".split()
)


def _npm_script(walk: Walk, operands: list[str]) -> str | None:
    """``npm run NAME …`` or ``npm test …`` without what follows ``--``."""
    verb, *rest = operands
    if verb in _NPM_RUNS:
        if not rest:
            walk.emit("A8", "npm lists scripts")
            return None
        script(walk, "npm", rest[0], rest[1:])
    else:
        script(walk, "npm", "test" if verb in _NPM_TESTS else verb, rest)
    return None


def _verb(argv: list[str], values: frozenset[str]) -> tuple[str, int]:
    """The first operand of a command line and where it stands, with the values of options before it passed over."""
    index = 1
    while index < len(argv):
        argument = argv[index]
        if argument[:1] != "-" or argument == "-":
            return argument, index
        index += 2 if argument in values else 1
    return "", index


_NPM_VALUES = frozenset(
    "--prefix -C --workspace -w --loglevel --script-shell --shell --userconfig --globalconfig --node-options --location".split()
)


def _npm(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if is_question(argv, frozenset(("--version", "-v", "--help", "-h", "help"))):
        walk.emit("S2", "npm informs")
        return None
    verb, _ = _verb(argv, _NPM_VALUES)
    if verb in _NPM_RUNS or verb in _NPM_TESTS or verb in _NPM_STARTS:
        rest: list[str] = []
        own = argv
        if "--" in argv:
            cut = argv.index("--")
            own, rest = argv[:cut], argv[cut + 1 :]
        _NPM_RUN.compile("npm")
        _NPM_RUN.run(walk, own, stdin)
        if rest:
            _PASSED_ON.compile("the script")
            _PASSED_ON.run(walk, ["npm", *rest], None)
    elif verb in _NPM_LISTS:
        _NPM_LIST.compile("npm ls")
        _NPM_LIST.run(walk, argv, stdin)
    elif verb in _NPM_HELPS:
        walk.emit("S2", "npm informs")
    elif verb in _NPM_ASKS:
        walk.emit("A3" if verb == "audit" and "fix" in argv else "A2", f"npm {verb} asks the registry")
    elif verb in _NPM_SENDS:
        walk.emit("A11", f"npm {verb} changes something at the registry")
    elif verb in _NPM_INSTALLS:
        walk.emit("A3", f"npm {verb} installs or changes packages: {show(' '.join(argv))}")
        if verb in ("exec", "x"):
            _inner(walk, [word for word in argv[argv.index(verb) + 1 :] if word != "--"], stdin)
        leaks(walk, argv)
    else:
        walk.emit("A8", f"npm does what is not known to be harmless: {show(' '.join(argv))}")
    return UNK + taints(stdin)


# --- yarn, pnpm, bun --------------------------------------------------------------------------------------------------

_MANAGER_OPTIONS = (
    "--cwd=chdir --dir=chdir -C=chdir --prefix=chdir -s --silent -q --quiet --verbose -v --filter=work -F=work -r --recursive -w --workspace-root --parallel --stream"
    " --if-present --no-bail --bail --aggregate-output --reporter= --color --no-color --sequential --use-stderr --loglevel= --non-interactive --offline"
    " --frozen-lockfile --json --bun -h --help --version --workspace-concurrency= --sort --no-sort --top-level -T -B"
)
_MANAGER_VALUES = frozenset("--cwd --dir -C --prefix --filter -F --reporter --loglevel --workspace-concurrency".split())
_MANAGER = tool(_MANAGER_OPTIONS, what="works in the project")
_INSTALLS = frozenset(
    "add install i in up update upgrade upgrade-interactive remove rm uninstall un unlink link ln dlx create init import dedupe prune rebuild rb"
    " global set self-update patch patch-commit fetch setup env store cache x ci import audit unplug pm it install-test node plugin licenses"
    " autoclean policies generate-lock-entry check why".split()
)
_OWN_INSTALLS = frozenset({("bun", "c"), ("pnpm", "deploy")})
_BUN_CODE = frozenset("-e -p --eval --print".split())
_SENDS = frozenset("publish login logout npm token owner tag team".split())


def _manager(installs_alone: bool) -> Program:
    """yarn, pnpm or bun: a script that is run (with or without ``run``), or something else."""

    def run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        name = argv[0]
        if is_question(argv, frozenset(("--version", "-v", "--help", "-h", "help", "--revision"))):
            walk.emit("S2", f"{name} informs")
            return None
        verb, index = _verb(argv, _MANAGER_VALUES)
        own = argv[:index]
        rest = argv[index + 1 :]
        if name == "bun" and len(argv) > 1 and argv[1] in _BUN_CODE:
            from claude_orchestrator.safety.programs.interpreters import certain

            code = " ".join(argv[2:])
            walk.emit("A9", f"runs bun code: {show(code)[:200]}")
            certain(walk, code)
            return UNK + taints(stdin)
        at_home(walk, name)
        _MANAGER.compile(name)
        if len(own) > 1:
            _MANAGER.run(walk, own, None)
        if not verb:
            walk.emit(
                "A3" if installs_alone else "S2", f"{name} installs packages" if installs_alone else f"{name} informs"
            )
        elif not known(verb):
            walk.emit("A0", f"{name} runs what is not known: {show(verb)}")
        elif verb in ("run", "run-script"):
            wanted, at = _verb(["", *rest], _MANAGER_VALUES)
            if at > 1:
                _MANAGER.run(walk, [name, *rest[: at - 1]], None)
            if not wanted:
                walk.emit("A8", f"{name} lists scripts")
            elif name == "bun" and ("/" in wanted or "." in wanted):
                walk.run_file(wanted, rest[at:], stdin, False)
            else:
                script(walk, name, wanted, [a for a in rest[at:] if a != "--"])
        elif name == "bun" and verb in _BUN:
            program = _BUN[verb]
            program.compile(f"bun {verb}")
            program.run(walk, [verb, *rest], stdin)
        elif name == "pnpm" and verb == "exec":
            return _executed(walk, rest, stdin)
        elif verb in SCRIPTS:
            script(walk, name, verb, [a for a in rest if a != "--"])
        elif verb in _SENDS:
            walk.emit("A11", f"{name} {verb} changes something at the registry")
        elif verb in _INSTALLS or (name, verb) in _OWN_INSTALLS:
            walk.emit("A3", f"{name} {verb} installs or changes packages: {show(' '.join(argv))}")
            if verb in ("dlx", "x"):
                _inner(walk, rest, stdin)
            leaks(walk, argv)
        else:
            if verb == "exec" and rest:
                _inner(walk, rest, stdin)
            walk.emit("A8", f"{name} runs what is not a test, a linter or a build: {show(' '.join(argv))}")
        return UNK + taints(stdin)

    return custom(run)


def _inner(walk: Walk, command: list[str], stdin: str | None) -> None:
    while command and command[0][:1] == "-":
        command = command[1:]
    if command:
        walk.run_argv([packaged(command[0]), *command[1:]], stdin)


_AGENTS = {
    "@anthropic-ai/claude-code": "claude",
    "@openai/codex": "codex",
    "@google/gemini-cli": "gemini",
    "@qwen-code/qwen-code": "qwen",
    "@github/copilot": "copilot",
    "@sourcegraph/amp": "amp",
    "opencode-ai": "opencode",
    "@charmland/crush": "crush",
}


def packaged(package: str) -> str:
    """The program that a package is run for: without its version, and an agent by its own name."""
    name = re.sub(r"(?<=[\w-])@[\w.^~-]+$", "", package)
    return _AGENTS.get(name, name)


def _executed(walk: Walk, rest: list[str], stdin: str | None) -> str | None:
    """``pnpm exec COMMAND``: looked through."""
    index = 0
    while index < len(rest) and rest[index][:1] == "-":
        argument = rest[index]
        index += 1
        if argument == "--":
            break
        if argument in ("-c", "--shell-mode"):
            return walk.shell_code(" ".join(rest[index:]), stdin)
        if argument not in ("-r", "--recursive", "--parallel", "--no-bail", "--silent"):
            walk.emit("A0", f"pnpm exec has an option that is not known: {show(argument)}")
    if not rest[index:]:
        walk.emit("A0", "pnpm exec runs nothing")
        return None
    return walk.run_argv(rest[index:], stdin)


_BUN: dict[str, Program] = {
    "test": tool(
        "-u -t= --timeout= --coverage --coverage-reporter= --coverage-dir=out --watch --bail? --rerun-each= --only --todo --preload=work -r=work --test-name-pattern="
        " --update-snapshots --reporter= --reporter-outfile=out --randomize --seed= --concurrent --silent --help -h",
        "work*",
    ),
    "build": tool(
        "--outdir=out --outfile=out --target= --minify --minify-syntax --minify-whitespace --minify-identifiers --sourcemap? --format= --splitting --root=work"
        " --entry-naming=work --chunk-naming=work --asset-naming=work --public-path= --external= --watch --production --help -h",
        "work*",
    ),
}


def _npx(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``npx``: with ``--no-install`` it only runs what is there; otherwise it may download what it runs."""
    if is_question(argv, frozenset(("--version", "-v", "--help", "-h"))):
        walk.emit("S2", "npx informs")
        return None
    local = False
    index = 1
    while index < len(argv) and argv[index][:1] == "-":
        argument = argv[index]
        index += 1
        if argument == "--":
            break
        if argument in ("--no-install", "--no"):
            local = True
        elif argument in ("-c", "--call"):
            walk.emit("A3", "npx runs a command line")
            text = argv[index] if index < len(argv) else ""
            walk.shell_code(text, stdin)
            return UNK
        elif argument in (
            "-p",
            "--package",
            "--prefix",
            "-w",
            "--workspace",
            "--cache",
            "--userconfig",
            "--node-arg",
            "-n",
            "--script-shell",
        ):
            walk.emit("A3", f"npx {argument} {show(argv[index]) if index < len(argv) else ''}")
            index += 1
        elif argument not in ("-q", "--quiet", "-s", "--silent"):
            walk.emit("A3", f"npx {show(argument)}")
    command = argv[index:]
    if not local:
        walk.emit("A3", f"npx may download what it runs: {show(' '.join(command))}")
    if not command:
        walk.emit("A0", "npx runs nothing")
        return None
    if unknown(command[0]) or command[0][:1] in ("/", ".", "~"):
        walk.emit("A8", f"runs {show(command[0])}")
    return walk.run_argv([command[0] if local else packaged(command[0]), *command[1:]], stdin)


def _downloads(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``bunx``: downloads what it runs."""
    if is_question(argv):
        walk.emit("S2", f"{argv[0]} informs")
        return None
    walk.emit("A3", f"{argv[0]} downloads what it runs: {show(' '.join(argv[1:]))}")
    _inner(walk, argv[1:], stdin)
    return UNK


def _prettier(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    if not operands and not given(options) & {"write", "w", "check", "c"}:
        walk.emit("S3", "prettier formats its input")
        return None
    return _PRETTIER_FILES(walk, argv, options, operands, stdin)


_PRETTIER_FILES = altering("write w", look=site)

ROWS: dict[str, Program] = {
    "jest": tool(_JEST, "work*"),
    "vitest": tool(_VITEST, "work*", hook=_vitest, info="-v"),
    "mocha": tool(_MOCHA, "work*"),
    "eslint": tool(
        _ESLINT,
        "site*",
        hook=altering("fix suppress-all suppress-rule prune-suppressions", look=site),
        info="-v --env-info",
    ),
    "prettier": tool(_PRETTIER, "site*", hook=_prettier, info="-v --support-info"),
    "tsc": tool(_TSC, "work*", hook=_tsc, info="-v --all"),
    "npm": custom(_npm),
    "yarn": _manager(True),
    "yarnpkg": _manager(True),
    "pnpm": _manager(False),
    "bun": _manager(False),
    "npx": custom(_npx),
    "pnpx": custom(_downloads),
    "bunx": custom(_downloads),
}
