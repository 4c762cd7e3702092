"""Python's test runners, linters, type checkers and formatters (S3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import ROLES, Options, Program, custom
from claude_orchestrator.safety.programs.runners import Tool, altering, check, given, informs, out, site, tool, work
from claude_orchestrator.safety.values import show

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_MODULE = re.compile(r"(?:no:)?[\w.-]+")


def _plugin(walk: Walk, value: str) -> None:
    """A module that is imported: by its name, so from the workspace or what is installed."""
    if not _MODULE.fullmatch(value) or ".." in value:
        walk.emit("A8", f"loads {show(value)}")


_PLAIN_SETTINGS = frozenset(
    "log_cli log_cli_level log_cli_format log_cli_date_format log_level log_format log_date_format console_output_style xfail_strict asyncio_mode"
    " asyncio_default_fixture_loop_scope timeout timeout_method junit_family junit_suite_name junit_logging junit_log_passing_tests"
    " faulthandler_timeout empty_parameter_set_mark python_functions python_classes norecursedirs minversion usefixtures markers"
    " tmp_path_retention_count tmp_path_retention_policy verbosity_assertions verbosity_test_cases filterwarnings doctest_optionflags addopts".split()
)


def _setting(walk: Walk, value: str) -> None:
    """``pytest -o name=value``: names that load nothing and say nothing about places; options only to drop them."""
    name, _, text = value.partition("=")
    if name not in _PLAIN_SETTINGS or "/" in text or ".." in text or (name == "addopts" and text):
        walk.emit("A0", f"changes a setting of pytest: {show(value)}")


def _report(walk: Walk, value: str) -> None:
    """``html:folder``: a kind of report and where it goes."""
    path = value.partition(":")[2]
    if path:
        out(walk, path)


def _base(walk: Walk, value: str) -> None:
    """``--basetemp``: a folder that is removed first."""
    out(walk, value)
    full = walk.absolute(value)
    if not full.startswith(("/tmp/", "/var/tmp/")):  # noqa: S108  # nosec B108 - the policy's TMP zone
        walk.emit("A1", f"removes {show(full)} first", (full,))


_REPORTERS = frozenset(
    "text parseable colorized json json2 msvs github no-header sarif grouped concise full junit pylint gitlab azure rdjson default".split()
)


def _format(walk: Walk, value: str) -> None:
    """A known way to report; others may be a class that is loaded, or be written to a file."""
    if any(part not in _REPORTERS for part in value.split(",")):
        walk.emit("A0", f"reports in a way that is not known: {show(value)}")


def _settings(walk: Walk, value: str) -> None:
    """A file of settings, not settings in the argument itself."""
    if "=" in value:
        walk.emit("A0", f"changes settings: {show(value)}")
    work(walk, value)


ROLES.update(settings=_settings, plugin=_plugin, setting=_setting, report=_report, base=_base, format=_format)

# --- pytest and what runs it ------------------------------------------------------------------------------------------

_PYTEST = (
    "-vqslxh -k= -m= -p=plugin -c=work -o=setting -W= -r= -n= -V --version --help --exitfirst --maxfail= --strict-config --strict-markers --strict"
    " --config-file=work --rootdir=work --confcutdir=work --override-ini=setting --basetemp=base --continue-on-collection-errors --import-mode="
    " --fixtures --funcargs --fixtures-per-test --markers --capture= --runxfail --lf --last-failed --ff --failed-first --nf --new-first"
    " --cache-show? --cache-clear --lfnf= --last-failed-no-failures= --sw --stepwise --sw-skip --stepwise-skip --sw-reset --durations="
    " --durations-min= --verbose --no-header --no-summary --no-fold-skipped --force-short-summary --quiet --verbosity= --disable-warnings"
    " --disable-pytest-warnings --showlocals --no-showlocals --tb= --xfail-tb --show-capture= --full-trace --color= --code-highlight="
    " --junitxml=out --junit-xml=out --junit-prefix= --pythonwarnings= --collect-only --co --pyargs --ignore= --ignore-glob= --deselect="
    " --noconftest --keep-duplicates --collect-in-virtualenv --doctest-modules --doctest-report= --doctest-glob= --doctest-ignore-import-errors"
    " --doctest-continue-on-failure --assert= --setup-only --setup-show --setup-plan --log-level= --log-format= --log-date-format= --log-cli-level="
    " --log-cli-format= --log-cli-date-format= --log-file=out --log-file-mode= --log-file-level= --log-file-format= --log-auto-indent="
    " --log-disable= --resultlog=out --result-log=out --report-log=out --debug?out --trace-config --pastebin=!A2 --pdb!A8 --trace!A8"
    " --pdbcls=!A8 --cov? --cov-report=report --cov-config=work --cov-append --cov-branch --cov-fail-under= --cov-reset --no-cov"
    " --no-cov-on-fail --cov-context= --cov-precision= --numprocesses= --maxprocesses= --max-worker-restart= --dist= --loadscope-reorder --no-loadscope-reorder"
    " --tx=!A8 --px=!A8 --rsyncdir=!A8 --rsyncignore= --timeout= --timeout-method= --session-timeout= --timeout-disable-debugger-detection --reruns= --reruns-delay="
    " --only-rerun= --rerun-except= --randomly-seed= --randomly-dont-reorganize --randomly-dont-reset-seed --random-order --random-order-seed="
    " --random-order-bucket= --html=out --self-contained-html --json-report --json-report-file=out --benchmark-only --benchmark-skip"
    " --benchmark-disable --benchmark-enable --benchmark-autosave --benchmark-sort= --benchmark-columns= --benchmark-min-rounds= --benchmark-json=out"
    " --snapshot-update --hypothesis-show-statistics --hypothesis-seed= --hypothesis-profile= --hypothesis-verbosity= --asyncio-mode= --ds="
    " --reuse-db --create-db --nomigrations --no-migrations --count= --repeat-scope= --picked? --testmon --testmon-noselect --mypy --ruff --flake8"
    " --black --isort --pylint --nbval --nbval-lax --benchmark-verbose --instafail --no-success-flaky-report --forked"
)


def _pytest_hook(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for value in operands:
        if value[:1] == "@":
            walk.emit("A0", f"takes arguments from {show(value[1:])}")
        work(walk, value.partition("::")[0])
    walk.emit("S3", "pytest runs tests")
    return None


def _pytest_tool() -> Tool:
    return tool(_PYTEST, "work*", hook=_pytest_hook)


_PASSED_ON = _pytest_tool()


def passed_on(walk: Walk, arguments: list[str]) -> None:
    """Judge arguments that a tool hands to the test runner that it starts, taken as arguments of pytest."""
    if arguments:
        _PASSED_ON.compile("pytest")
        _PASSED_ON.run(walk, ["pytest", *arguments], None)


def _with_rest(inner: Tool) -> Program:
    """A tool that hands everything after ``--`` to the test runner that it starts."""

    def run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        rest: list[str] = []
        if "--" in argv:
            cut = argv.index("--")
            argv, rest = argv[:cut], argv[cut + 1 :]
        inner.compile(argv[0])
        output = inner.run(walk, argv, stdin)
        passed_on(walk, rest)
        return output

    return custom(run)


_TOX = tool(
    "-qvlah -r!A3 -e= -m= -f= -s? -p? -x=!A8 -c=work --conf=work --root=work --workdir=out --work-dir=out --temp-dir=out --result-json=out"
    " --notest!A3 --sdistonly --parallel? --parallel-no-spinner --parallel-live --listenvs --listenvs-all --showconfig --recreate!A3"
    " --installpkg=!A3 --develop --pip-pre!A3 --force-dep=!A3 --override=!A8 --discover=!A8 --hashseed= --no-recreate-pkg"
    " --skip-missing-interpreters? --skip-env= --skip-pkg-install --no-list-dependencies --list-dependencies --colored= --verbose --quiet"
    " --stderr-color= --alwayscopy --sitepackages --fail-fast --exit-and-dump-after= --no-provision?out --help --version",
    "plain*",
    subcommands=None,
)
_TOX_VERBS = frozenset("run r run-parallel p list l config c".split())
_TOX_OTHER = frozenset("devenv d exec e depends de legacy le quickstart q schema man".split())


def _tox(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``tox``: its first word may be a verb; ``exec`` and the like run other things."""
    rest: list[str] = []
    if "--" in argv:
        cut = argv.index("--")
        argv, rest = argv[:cut], argv[cut + 1 :]
    if len(argv) > 1 and argv[1] in _TOX_OTHER:
        walk.emit("A8", f"tox {argv[1]} runs or installs")
    if len(argv) > 1 and argv[1] in _TOX_VERBS:
        argv = [argv[0], *argv[2:]]
    _TOX.compile("tox")
    output = _TOX.run(walk, argv, stdin)
    passed_on(walk, rest)
    return output


_NOX = tool(
    "-lrRxNvh -s= -e= -k= -t= -p= -f=work --session= --sessions= --keywords= --tags= --python= --pythons= --noxfile=work --list --list-sessions"
    " --json --reuse-existing-virtualenvs --no-reuse-existing-virtualenvs --reuse-venv= --no-install --install-only!A3 --force-python=!A8 -P=!A8"
    " --extra-pythons=!A8 --extra-python=!A8 --stop-on-first-error --no-stop-on-first-error --non-interactive"
    " --error-on-missing-interpreters --no-error-on-missing-interpreters --error-on-external-run --no-error-on-external-run --report=out --envdir=out"
    " --default-venv-backend= --force-venv-backend= --verbose --add-timestamp --color --nocolor --no-color --forcecolor --force-color"
    " --script-mode=!A8 --no-venv --help --version",
    "plain*",
)

# --- coverage ---------------------------------------------------------------------------------------------------------

_COVERAGE = " -i --ignore-errors --rcfile=work --data-file=out --include= --omit= -q --quiet --debug= --help -h"


def _coverage_run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``coverage run``: what it runs is a module (``-m``) or a script."""
    from claude_orchestrator.safety.programs import lookup

    index = 1
    while index < len(argv):
        argument = argv[index]
        if argument[:1] != "-" or argument in ("-m", "--module"):
            break
        index += (
            1
            if "=" in argument
            or argument
            not in (
                "--source",
                "--include",
                "--omit",
                "--rcfile",
                "--data-file",
                "--context",
                "--concurrency",
                "--debug",
                "--source-dirs",
            )
            else 2
        )
    own, rest = argv[:index], argv[index:]
    _RUN_OPTIONS.compile("coverage run")
    _RUN_OPTIONS.run(walk, own, stdin)
    if rest[:1] and rest[0] in ("-m", "--module") and len(rest) > 1:
        python = lookup("python")
        assert python is not None
        return python.run(walk, ["python", "-m", *rest[1:]], stdin)
    if rest:
        walk.run_file(rest[0], rest[1:], stdin, False)
    return None


_RUN_OPTIONS = tool(
    "-a --append --branch -L --pylib -p --parallel-mode --timid --source= --source-dirs= --context= --concurrency= --save-signal="
    + _COVERAGE
)
_COVERAGE_VERBS: dict[str, Program] = {
    "run": custom(_coverage_run),
    "report": tool(
        "-m --show-missing --skip-covered --no-skip-covered --skip-empty --sort= --fail-under= --precision= --format= --contexts="
        + _COVERAGE,
        "check*",
    ),
    "html": tool(
        "-d=out --directory=out --title= --skip-covered --no-skip-covered --skip-empty --show-contexts --contexts= --fail-under= --precision="
        " --extra-css=work" + _COVERAGE,
        "check*",
    ),
    "xml": tool("-o=out --skip-empty --fail-under=" + _COVERAGE, "check*"),
    "json": tool("-o=out --pretty-print --show-contexts --contexts= --fail-under=" + _COVERAGE, "check*"),
    "lcov": tool("-o=out --fail-under=" + _COVERAGE, "check*"),
    "combine": tool("-a --append --keep" + _COVERAGE, "work*"),
    "help": informs("", "text*"),
}

# --- linters, type checkers, formatters -------------------------------------------------------------------------------

_RUFF_COMMON = (
    " --config=settings --isolated -n --no-cache --cache-dir=out -q --quiet -v --verbose -s --silent -h --help -V --version --target-version="
    " --preview --no-preview --exclude= --extend-exclude= --force-exclude --no-force-exclude --respect-gitignore --no-respect-gitignore"
    " --stdin-filename=site --color= --extension="
)
_RUFF: dict[str, Program] = {
    "check": tool(
        "--fix --no-fix --fix-only --no-fix-only --unsafe-fixes --no-unsafe-fixes --diff -w --watch --output-format=format -o=out --output-file=out"
        " --select= --ignore= --extend-select= --extend-ignore= --per-file-ignores= --extend-per-file-ignores= --fixable= --unfixable="
        " --extend-fixable= --ignore-noqa --statistics --add-noqa --show-files --show-settings --show-fixes --no-show-fixes -e --exit-zero"
        " --exit-non-zero-on-fix --line-length= --dummy-variable-rgx=" + _RUFF_COMMON,
        "text*",
        hook=altering("fix fix-only add-noqa"),
    ),
    "format": tool(
        "--check --diff --line-length= --range= --exit-non-zero-on-format" + _RUFF_COMMON,
        "text*",
        hook=altering(checks="check diff"),
    ),
    "rule": informs("--all --output-format= -h --help", "text*"),
    "linter": informs("--output-format= -h --help", "text*"),
    "config": informs("--output-format= -h --help", "text*"),
    "version": informs("--output-format= -h --help"),
    "help": informs("", "text*"),
    "clean": tool(rule="A1", what="removes ruff's caches"),
    "server": tool("--preview --isolated", rule="A8"),
}

_MYPY_FLAGS = (
    "strict verbose follow-untyped-imports ignore-missing-imports no-ignore-missing-imports no-site-packages no-silence-site-packages namespace-packages"
    " no-namespace-packages explicit-package-bases fast-module-lookup disallow-any-unimported disallow-any-expr disallow-any-decorated"
    " disallow-any-explicit disallow-any-generics allow-any-generics disallow-subclassing-any allow-subclassing-any disallow-untyped-calls"
    " allow-untyped-calls disallow-untyped-defs allow-untyped-defs disallow-incomplete-defs allow-incomplete-defs check-untyped-defs"
    " no-check-untyped-defs disallow-untyped-decorators allow-untyped-decorators implicit-optional no-implicit-optional strict-optional"
    " no-strict-optional warn-redundant-casts no-warn-redundant-casts warn-unused-ignores no-warn-unused-ignores no-warn-no-return warn-no-return"
    " warn-return-any no-warn-return-any warn-unreachable no-warn-unreachable allow-untyped-globals allow-redefinition no-implicit-reexport"
    " implicit-reexport strict-equality no-strict-equality extra-checks local-partial-types show-error-context hide-error-context"
    " show-column-numbers hide-column-numbers show-error-end show-error-codes hide-error-codes show-error-code-links pretty no-pretty"
    " no-color-output color-output no-error-summary error-summary show-absolute-path no-incremental incremental sqlite-cache cache-fine-grained"
    " skip-cache-mtime-checks skip-version-check warn-incomplete-stub show-traceback tb raise-exceptions dump-type-stats dump-build-stats"
    " scripts-are-modules warn-unused-configs no-warn-unused-configs non-interactive strict-bytes exclude-gitignore"
)
_MYPY_WRITES = (
    "cache-dir html-report xml-report txt-report linecount-report any-exprs-report cobertura-xml-report linecoverage-report lineprecision-report"
    " xslt-html-report xslt-txt-report junit-xml memory-xml-report timing-stats line-checking-stats"
)
_MYPY = (
    "-vhVi -m= -p= -c= -O= --module= --package= --command= --config-file=work --python-version= --platform= --always-true= --always-false= --follow-imports="
    " --exclude= --enable-error-code= --disable-error-code= --disable-recursive-aliases --untyped-calls-exclude= --enable-incomplete-feature= --output="
    " --junit-format= --python-executable=!A8 --install-types!A3 --pdb!A8 --custom-typeshed-dir=work --custom-typing-module=!A8 --help --version "
    + " ".join("--" + name for name in _MYPY_FLAGS.split())
    + " "
    + " ".join(f"--{name}=out" for name in _MYPY_WRITES.split())
)


def _pre_commit_run(
    walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None
) -> str | None:
    for path in operands:
        site(walk, path)
    walk.emit("S3", "runs the hooks of pre-commit")
    return None


def _unittest(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``python -m unittest``; a command of that name is not known."""
    if walk.argv and walk.argv[0].rpartition("/")[2] == "unittest":
        walk.emit("A0", "runs unittest, a program that is not known")
        return None
    _UNITTEST.compile("unittest")
    return _UNITTEST.run(walk, argv, stdin)


def _unittest_hook(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for value in operands:
        work(walk, value)
    walk.emit("S3", "unittest runs tests")
    return None


_UNITTEST = tool(
    "-vqfcbh -k= --locals --verbose --quiet --failfast --catch --buffer --durations= -s,--start-directory=work -p,--pattern= -t,--top-level-directory=work"
    " --help",
    "work*",
    hook=_unittest_hook,
)


def _isort_hook(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    if not operands:
        walk.emit("S2" if given(options) else "S3", "isort informs")
        return None
    return _ISORT_FILES(walk, argv, options, operands, stdin)


_ISORT_FILES = altering(checks="check check-only c diff d stdout show-files show-config")


def _code(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """Black's operands; with ``--code`` there are none."""
    if given(options) & {"c", "code"} and not operands:
        walk.emit("S3", "formats a text")
        return None
    return _BLACK_FILES(walk, argv, options, operands, stdin)


_BLACK_FILES = altering(checks="check diff")


def _pylint(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for path in operands:
        check(walk, path)
    walk.emit("S3", "pylint checks")
    return None


ROWS: dict[str, Program] = {
    "pytest": _pytest_tool(),
    "py.test": _pytest_tool(),
    "unittest": custom(_unittest),
    "tox": custom(_tox),
    "nox": _with_rest(_NOX),
    "coverage": tool("-h --help --version", subcommands=_COVERAGE_VERBS),
    "coverage3": tool("-h --help --version", subcommands=_COVERAGE_VERBS),
    "ruff": tool(
        "-h --help -V --version -q --quiet -v --verbose -s --silent --config=settings --isolated --color=",
        subcommands=_RUFF,
        info="-V",
    ),
    "black": tool(
        "-qvSChx -l= -t= -W= -c= --code= --line-length= --target-version= --check --diff --quiet --verbose --preview --unstable --fast --safe"
        " --include= --exclude= --extend-exclude= --force-exclude= --workers= --required-version= --color --no-color --ipynb --pyi --stdin-filename=site"
        " --skip-string-normalization --skip-magic-trailing-comma --skip-source-first-line --line-ranges= --no-cache --enable-unstable-feature="
        " --python-cell-magics= --config=work --help --version",
        "text*",
        hook=_code,
    ),
    "isort": tool(
        "-cdqvh -l= -w= -m= -p= -o= -s= --profile= --check --check-only --diff --stdout --settings-path=work --settings-file=work --settings=work --sp=work"
        " --src=work --src-path=work --line-length= --line-width= --multi-line= --trailing-comma --tc --force-grid-wrap= --use-parentheses --up --atomic"
        " --ensure-newline-before-comments --float-to-top --ff --from-first --force-single-line-imports --sl --combine-as --ca --skip= --skip-glob="
        " --sg= --skip-gitignore --gitignore --extend-skip= --extend-skip-glob= --filter-files --known-first-party= --known-third-party= --quiet --verbose"
        " --color --only-modified --om --show-files --show-config --jobs? --resolve-all-configs --dont-follow-links --overwrite-in-place -V --version --vn"
        " --version-number --help --length-sort --ls --case-sensitive --py= --python-version= --virtual-env=work --conda-env=work",
        "text*",
        hook=_isort_hook,
    ),
    "flake8": tool(
        "-qvh -j= --max-line-length= --max-doc-length= --indent-size= --select= --ignore= --extend-ignore= --extend-select= --exclude= --extend-exclude="
        " --filename= --config=work --append-config=work --isolated --output-file=out --tee --format= --count --statistics --show-source"
        " --no-show-source --jobs= --max-complexity= --per-file-ignores= --benchmark --quiet --verbose --color= --exit-zero --stdin-display-name="
        " --hang-closing --disable-noqa --enable-extensions= --require-plugins= --doctests --include-in-doctest= --exclude-from-doctest= --bug-report"
        " --help --version",
        "check*",
    ),
    "pylint": tool(
        "-hEv -d= -e= -f=format -j= -r= -s= --disable= --enable= --output-format=format --output=out --rcfile=work --load-plugins=!A8 --init-hook=!A8"
        " --extension-pkg-allow-list=!A8 --extension-pkg-whitelist=!A8 --unsafe-load-any-extension=!A8 --jobs= --errors-only --score= --reports="
        " --fail-under= --fail-on= --ignore= --ignore-paths= --ignore-patterns= --max-line-length= --msg-template= --py-version= --recursive="
        " --persistent= --exit-zero --verbose --source-roots=work --list-msgs --list-msgs-enabled --list-groups --list-extensions --help-msg="
        " --generate-rcfile --generate-toml-config --from-stdin --good-names= --max-args= --max-locals= --max-branches= --min-similarity-lines="
        " --ignored-modules= --ignored-classes= --limit-inference-results= --suggestion-mode= --clear-cache-post-run= --help --long-help --version",
        "check*",
        hook=_pylint,
    ),
    "mypy": tool(_MYPY, "check*"),
    "pyright": tool(
        "-hw -p=work -t=work -v=work --project=work --pythonpath=!A8 --venvpath=work --venv-path=work --typeshedpath=work --typeshed-path=work --outputjson --stats"
        " --warnings --level= --pythonversion= --pythonplatform= --lib --watch --verbose --dependencies --skipunannotated --verifytypes= --ignoreexternal"
        " --threads? --createstub=!A8 --help --version",
        "check*",
    ),
    "pre-commit": tool(
        "-c=work --config=work --color= -h --help -V --version",
        subcommands={
            "run": tool(
                "-a --all-files -v --verbose --show-diff-on-failure --hook-stage= --files=site -c=work --config=work --from-ref=ref --to-ref=ref -s=ref -o=ref --source=ref"
                " --origin=ref --color= --fail-fast -h --help",
                "site*",
                hook=_pre_commit_run,
            ),
            "validate-config": tool("-h --help --color=", "check*"),
            "validate-manifest": tool("-h --help --color=", "check*"),
            "sample-config": informs(),
            "help": informs("", "text*"),
            **{
                name: tool("-h --help", "text*", rule="A3", what=f"pre-commit {name} installs or removes hooks")
                for name in "install install-hooks autoupdate uninstall clean gc try-repo init-templatedir migrate-config".split()
            },
        },
    ),
}
