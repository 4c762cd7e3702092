"""git: what only reads (S5), what records locally (S6), the network (A2), everything else (A6), and B4."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from claude_orchestrator.safety.expansion import globbed
from claude_orchestrator.safety.programs.framework import ROLES, Options, Program, custom, row
from claude_orchestrator.safety.values import NAME, NET, STAR, UNK, has_glob, known, show, taints, unknown
from claude_orchestrator.safety.zones import write_rule

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk


def _revision(walk: Walk, value: str, patterns: bool = True) -> str | None:
    """A revision or a path: ``HEAD:path`` reads the path, ``:(magic)`` and ``:!`` are path patterns."""
    if not value:
        return None
    if patterns:
        value = globbed(value)
    if ":" in value and not value.startswith((":(", ":!", ":^", ":/")):
        path = value.rpartition(":")[2]
        return walk.read(_from_top(walk, path)) if path else None
    if value[0] == ":":
        value = value.rpartition(")")[2] if value[1:2] == "(" else value[2:]
        if not value or "exclude" in value:
            return None
    return walk.read(value)


def _from_top(walk: Walk, path: str) -> str:
    return path if path[:1] == "." else walk.place.inside + path


ROLES["revision"] = _revision

_INFO = " -h --help"
_DIFF = (
    "-pusbwWRazq -# -p,-u,--patch -s,--no-patch -U,--unified= --output=!A6 --output-indicator-new= --output-indicator-old="
    " --output-indicator-context= --raw --patch-with-raw --indent-heuristic --no-indent-heuristic --minimal --patience --histogram"
    " --anchored= --diff-algorithm= --stat? --compact-summary --numstat --shortstat -X? --dirstat? --cumulative --dirstat-by-file?"
    " --summary --patch-with-stat -z --name-only --name-status --submodule? --color? --no-color --color-moved? --no-color-moved"
    " --color-moved-ws= --no-color-moved-ws --word-diff? --word-diff-regex= --color-words? --no-renames --rename-empty"
    " --no-rename-empty --check --ws-error-highlight= --full-index --binary --abbrev? -B,--break-rewrites? -M,--find-renames?"
    " -C,--find-copies? --find-copies-harder -D,--irreversible-delete -l= --diff-filter= -S= -G= --find-object= --pickaxe-all"
    " --pickaxe-regex -O=!A6 --skip-to= --rotate-to= --relative? --no-relative -a,--text --ignore-cr-at-eol --ignore-space-at-eol"
    " -b,--ignore-space-change -w,--ignore-all-space --ignore-blank-lines -I,--ignore-matching-lines= --inter-hunk-context="
    " -W,--function-context --exit-code --quiet --ext-diff!A6 --no-ext-diff --textconv!A6 --no-textconv --ignore-submodules?"
    " --src-prefix= --dst-prefix= --no-prefix --default-prefix --line-prefix= --ita-invisible-in-index --ita-visible-in-index"
    " --cc --combined-all-paths --remerge-diff --diff-merges= --no-diff-merges"
)
_LOG = (
    " -# -n,--max-count= --skip= --since= --after= --since-as-filter= --until= --before= --author= --committer= --grep-reflog="
    " --grep= --all-match --invert-grep -i,--regexp-ignore-case --basic-regexp -E,--extended-regexp -F,--fixed-strings"
    " -P,--perl-regexp --remove-empty --merges --no-merges --min-parents= --max-parents= --no-min-parents --no-max-parents"
    " --first-parent --exclude-first-parent-only --not --all --branches? --tags? --remotes? --glob= --exclude="
    " --exclude-hidden= --reflog --alternate-refs --single-worktree --ignore-missing --bisect --stdin --cherry-mark"
    " --cherry-pick --left-only --right-only --cherry -g,--walk-reflogs --merge --boundary --use-bitmap-index --progress="
    " --simplify-by-decoration --show-pulls --full-history --dense --sparse --simplify-merges --ancestry-path? --date-order"
    " --author-date-order --topo-order --reverse --no-walk? --do-walk --pretty? --format= --abbrev-commit --no-abbrev-commit"
    " --oneline --encoding= --expand-tabs? --no-expand-tabs --notes? --no-notes --show-notes? --show-signature!A6 --relative-date"
    " --date= --parents --children --left-right --graph --no-graph --show-linear-break? --count --timestamp --header --objects"
    " --objects-edge --unpacked --disk-usage? --quiet --follow --no-follow --decorate? --no-decorate --decorate-refs="
    " --decorate-refs-exclude= --clear-decorations --source --mailmap --no-mailmap --use-mailmap --no-use-mailmap --full-diff --log-size"
    " -L=revision -c -m -t -r --root --no-commit-id --show-size --missing= --filter= --no-object-names --in-commit-order --bisect-all"
    " --bisect-vars --max-age= --min-age= --patch-id --interactive-rebase"
)


def _reads(walk: Walk, operands: list[str], stdin: str | None, patterns: bool = True) -> str | None:
    found = ""
    for operand in operands:
        found += taints(_revision(walk, operand, patterns))
    return UNK + found if found else None


_SHOWS_CONTENTS = frozenset(
    "p u patch unified U L c cc m patch-with-raw patch-with-stat binary word-diff color-words W".split()
)
_NAMES_ONLY = frozenset("name-only name-status stat numstat shortstat s no-patch".split())


def _listing(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """``diff``, ``ls-files`` and their kin: names of files where only names are asked for."""
    names = {name for name, _ in options}
    # A pattern that can be a secret's name matters where contents are shown.
    shows = argv[0] in ("diff", "show") or bool(names & _SHOWS_CONTENTS)
    output = _reads(walk, operands, stdin, shows and not names & _NAMES_ONLY)
    if STAR in operands:
        walk.emit("A0", "a name that a pattern finds may be an option of git")
    walk.emit("S5", f"git {argv[0]} reads the repository")
    patterns = [operand for operand in operands if "*" in operand or has_glob(operand)]
    if argv[0] == "ls-files" and not names & {"stage", "s", "t", "v", "unmerged", "u", "eol", "debug", "format"}:
        if patterns:
            return "".join(f"{NAME}/{globbed(pattern.rpartition('/')[2])}\n" for pattern in patterns)
        return NAME + NAME + "\n"
    if "name-only" in names:
        if patterns:
            return "".join(f"{NAME}/{globbed(pattern.rpartition('/')[2])}\n" for pattern in patterns)
        return NAME + NAME + "\n"
    return output


def _grep(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    output = _reads(walk, operands if names & {"e", "f"} else operands[1:], stdin)
    walk.emit("S5", "git grep searches")
    if names & {"files-with-matches", "l", "name-only", "files-without-match", "L"}:
        return NAME + NAME + "\n"
    return output


_BRANCH_LISTS = frozenset(
    "list l a r all remotes v verbose show-current contains no-contains merged no-merged points-at format sort column".split()
)


def _branch(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    if names & _BRANCH_LISTS or not operands:
        walk.emit("S5", "lists branches")
    elif len(operands) <= 2:
        walk.emit(
            "A0" if any(unknown(operand[:1]) for operand in operands) else "S6",
            f"creates the branch {show(operands[0])}",
        )
    else:
        walk.emit("A0", "git branch takes no such argument")
    return None


_TAG_LISTS = frozenset("list l n contains no-contains merged no-merged points-at format sort column".split())


def _tag(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    if names & _TAG_LISTS or not operands:
        walk.emit("S5", "lists tags")
    else:
        walk.emit("S6", f"creates the tag {show(operands[0])}")
    return None


def _stash(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    return _reads(walk, [], stdin)


def _remote(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    verb = operands[0] if operands else ""
    if not verb or verb == "get-url" or (verb == "show" and (len(operands) == 1 or "n" in names)):
        walk.emit("S5", "lists remotes")
    elif verb in ("show", "update", "prune", "set-head"):
        walk.emit("A2", "asks a remote")
    else:
        walk.emit("A6", "changes remotes")
    return None


def _worktree(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    if operands[:1] == ["list"]:
        walk.emit("S5", "lists worktrees")
    else:
        walk.emit("A6", "changes worktrees")
    return None


def _rev_parse(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    _reads(walk, operands, stdin)
    walk.emit("S5", "reads revisions")
    if "show-toplevel" in names:
        return walk.place.workspace + "\n"
    if names & {"git-dir", "absolute-git-dir", "git-common-dir"}:
        return walk.place.inside + ".git\n"
    if names & {"show-cdup", "show-prefix"}:
        return "\n"
    return UNK


def _cat_file(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    output = _reads(walk, operands, stdin)
    walk.emit("S5" if names and names <= {"p", "t", "s", "e"} else "A6", "reads an object")
    return output


_CONFIG_READS = frozenset("get get-all get-regexp get-urlmatch list l get-color get-colorbool".split())


def _config(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    writes = names & {
        "add", "replace-all", "unset", "unset-all", "rename-section", "remove-section", "edit", "e", "fixed-value", "comment", "append"
    }  # fmt: skip
    if (not writes and (names & _CONFIG_READS or operands[:1] in (["get"], ["list"]))) or (
        not writes and len(operands) == 1 and operands[0] not in ("set", "unset", "edit")
    ):
        walk.emit("S5", "reads the configuration")
    else:
        walk.emit("A6", f"changes git's configuration: {show(' '.join(operands))}")
    return None


def _reflog(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    if operands[:1] in (["expire"], ["delete"], ["drop"], ["write"]):
        walk.emit("A6", "changes the reflog")
        return None
    return _reads(walk, operands[1:] if operands[:1] == ["show"] else operands, stdin)


def _add(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    _reads(walk, operands, stdin)
    walk.emit("S6", "records changes in the index")
    return None


def _commit(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    _reads(walk, operands, stdin)
    for operand in operands:
        if unknown(operand):
            walk.emit("A0", f"an argument of git commit is not known: {show(operand)}")
    walk.emit("S6", "commits")
    return None


def _checkout(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``checkout -b`` and ``switch -c`` create a branch (S6); paths alone can be brought back (A6 with paths)."""
    table = _SWITCH if argv[0] == "switch" else _CHECKOUT
    before = len(walk.effects)
    options, operands, _ = table.parse(walk, argv)
    names = {name for name, _ in options}
    if any(effect.rule[0] != "S" for effect in walk.effects[before:]):
        return None
    created = next((value for name, value in options if name in ("b", "create", "c")), None)
    if created is not None and len(operands) <= 1 and "--" not in argv and not unknown(created[:1]):
        if created.startswith("-") or any(unknown(operand[:1]) for operand in operands):
            walk.emit("A0", "the branch's name is not known")
        walk.emit("S6", f"creates the branch {show(created)}")
        return None
    paths: tuple[str, ...] = ()
    if argv[0] == "checkout" and "--" in argv and not names - {"q"}:
        cut = argv.index("--")
        paths = tuple(walk.absolute(path) for path in argv[cut + 1 :])
    walk.emit("A6", f"git {argv[0]} changes the working tree", paths)
    return None


def _restore(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    walk.emit("A6", "restores files", tuple(walk.absolute(path) for path in operands))
    return None


def _rm(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    if "cached" in names:
        walk.emit("A1", "removes files from the index", tuple(walk.absolute(path) for path in operands))
        return None
    for path in operands:
        walk.delete(path, recursive="r" in names)
    if not operands:
        walk.emit("A1", "deletes files")
    return None


def _mv(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for path in operands:
        full = walk.absolute(path)
        rule = write_rule(full, walk.place, walk.policy)
        if rule != "S4":
            walk.emit(rule, f"moves {show(full)}", (full,))
    walk.emit("S6", "renames files")
    return None


# --- push -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _protected(patterns: tuple[str, ...]) -> re.Pattern[str]:
    import fnmatch

    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns))


def _protects(walk: Walk, branch: str) -> bool:
    """Whether a branch, or a pattern of branches, is or can be a protected one."""
    branch = branch.removeprefix("refs/heads/").removeprefix("heads/")
    patterns = walk.policy.protected_branches
    if not patterns or not branch:
        return False
    if "*" in branch:
        import fnmatch

        return any(fnmatch.fnmatchcase(pattern.replace("*", "x"), branch) for pattern in patterns)
    return _protected(tuple(patterns)).fullmatch(branch) is not None


_FORCES = frozenset(("f", "force", "force-with-lease"))


def _push(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    walk.send("".join(argv), "a git remote")
    refs = (
        operands
        if "repo" in names and not (operands and ":" not in operands[0] and "/" not in operands[0])
        else operands[1:]
    )
    if "repo" in names:
        refs = operands
    if "dry-run" in names:
        walk.emit("A2", "asks a remote what a push would do")
        return None
    if "mirror" in names:
        walk.emit("B4", "overwrites every branch of a remote (--mirror)")
    # An abbreviation that is ambiguous to git today need not be tomorrow.
    forced = bool(names & _FORCES) or any(
        len(a) > 5 and "--force-with-lease".startswith(a.partition("=")[0]) for a in argv
    )
    deletes = bool(names & {"delete"})
    for ref in (ref.replace(STAR, "*") for ref in refs):
        plus = ref[:1] == "+"
        source, colon, target = ref.lstrip("+").partition(":")
        target = target if colon else source
        gone = deletes or (colon and not source)
        if (plus or forced or gone) and target and _protects(walk, target):
            walk.emit("B4", f"{'deletes' if gone else 'rewrites'} {show(target)} on a remote")
    if any(name == "prune" for name in names) and any("*" in ref for ref in refs):
        walk.emit(
            "B4" if any(_protects(walk, ref.rpartition(":")[2]) for ref in refs) else "A6",
            "deletes branches of a remote",
        )
    walk.emit("A2", "pushes to a remote")
    return None


def _network(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """``fetch``, ``pull``, ``clone``, ``ls-remote``."""
    walk.send("".join(argv), "a git remote")
    walk.emit("A2", f"git {argv[0]} talks to a remote")
    for name, value in options:
        if name in ("upload-pack", "receive-pack", "exec", "u") and value:
            walk.run_text(value, None, "a command of git")
        elif name in ("config", "c") and value:
            _setting(walk, value)
    for operand in operands:
        if operand.startswith("ext::"):
            walk.run_text(operand[5:], None, "a command of git")
    if argv[0] == "clone" and operands:
        base = operands[0].rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git")
        target = operands[1] if len(operands) > 1 else base
        if target:
            rule = write_rule(walk.absolute(target), walk.place, walk.policy)
            if rule != "S4":
                walk.emit(rule, f"writes {show(walk.absolute(target))}", (walk.absolute(target),))
            walk.state.files[walk.absolute(target) + "/"] = UNK + NET
    return UNK + NET


_RUNNING_SETTINGS = re.compile(
    r"core\.(?:fsmonitor|pager|editor|sshcommand|askpass|gitproxy)|pager\..*|diff\.external|.*\.(?:textconv|command|cmd|clean|smudge|process|driver)"
    r"|sequence\.editor|credential\.helper|gpg\..*program|uploadpack\..*|remote\..*\.(?:uploadpack|receivepack|vcs)|interactive\.difffilter",
    re.IGNORECASE,
)


def _setting(walk: Walk, setting: str) -> None:
    """A configuration given on the command line; its value may be a command."""
    name, _, value = setting.partition("=")
    walk.emit("A6", f"sets git's {show(setting)} for one command")
    if (name.lower().startswith("alias.") and value.startswith("!")) or (_RUNNING_SETTINGS.fullmatch(name) and value):
        walk.shell_code(value.lstrip("!"), what="a command of git")


def _other(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """Everything that is not in S5 or S6; commands that it runs are followed for what is certain in them."""
    verb = argv[0]
    network = (
        verb in _ONLINE
        or (verb == "submodule" and any(a in ("update", "add", "init") for a in argv))
        or any(argument.startswith("--remote") for argument in argv if verb == "archive")
    )
    walk.emit("A11" if verb == "send-email" else "A2" if network else "A6", f"git {show(' '.join(argv[:3]))}")
    if verb == "bisect" and argv[1:2] == ["run"] and len(argv) > 2:
        walk.run_argv(argv[2:])
    elif verb == "submodule" and "foreach" in argv:
        rest = [a for a in argv[argv.index("foreach") + 1 :] if a != "--recursive"]
        walk.run_text(" ".join(rest), None, "a command of git")
    elif verb in ("rebase", "filter-branch", "difftool", "mergetool"):
        for index, argument in enumerate(argv):
            if argument in (
                "-x",
                "--exec",
                "--tree-filter",
                "--index-filter",
                "--msg-filter",
                "--env-filter",
                "--extcmd",
            ) and index + 1 < len(argv):
                walk.run_text(argv[index + 1], None, "a command of git")
            elif argument.startswith(("--exec=", "--extcmd=")):
                walk.run_text(argument.partition("=")[2], None, "a command of git")
    return UNK + NET if network else None


_ONLINE = frozenset(
    "ls-remote fetch-pack send-pack remote-http remote-https http-fetch http-push svn p4 lfs send-email request-pull".split()
)
_KNOWN_OTHERS = frozenset(
    "am annotate apply archimport archive bisect blob bundle bugreport check-attr check-mailmap check-ref-format cherry cherry-pick citool"
    " clean column commit-graph commit-tree credential credential-cache credential-store cvsexportcommit daemon diagnose diff-files diff-index"
    " diff-tree difftool fast-export fast-import fetch-pack filter-branch filter-repo fmt-merge-msg for-each-ref for-each-repo format-patch"
    " fsck fsmonitor--daemon gc get-tar-commit-id gui hash-object hook imap-send index-pack init init-db instaweb interpret-trailers lfs"
    " maintenance mailinfo mailsplit merge merge-file merge-index merge-tree mergetool mktag mktree multi-pack-index mv notes pack-objects"
    " pack-redundant pack-refs patch-id prune prune-packed quiltimport range-diff read-tree rebase receive-pack repack replace request-pull"
    " rerere reset revert send-email send-pack shell show-branch show-index show-ref sparse-checkout stage stripspace submodule subtree svn"
    " symbolic-ref unpack-file unpack-objects update-index update-ref update-server-info upload-archive upload-pack var verify-commit"
    " verify-pack verify-tag whatchanged write-tree flow lfs p4 replay refs backfill".split()
)

_VERBS: dict[str, Program] = {
    "status": row(
        "S5",
        "-sbvz -s,--short -b,--branch --porcelain? --long -v,--verbose -u,--untracked-files? --ignored? --column? --no-column --ahead-behind"
        " --no-ahead-behind --renames --no-renames --find-renames? --show-stash --ignore-submodules?" + _INFO,
        "revision*",
    ),
    "diff": row(
        "S5",
        _DIFF + " --cached --staged --merge-base --no-index -1 -2 -3 -0 --base --ours --theirs" + _INFO,
        "revision*",
        hook=_listing,
    ),
    "log": row("S5", _DIFF + _LOG + _INFO, "revision*", hook=_listing),
    "show": row("S5", _DIFF + _LOG + _INFO, "revision*", hook=_listing),
    "rev-list": row("S5", _DIFF + _LOG + _INFO, "revision*"),
    "shortlog": row("S5", _LOG + " -nsec -w? --numbered --summary --email --group= --committer" + _INFO, "revision*"),
    "reflog": row(
        "S5",
        _DIFF + _LOG + " --expire= --expire-unreachable= --updateref --rewrite --stale-fix" + _INFO,
        "revision*",
        hook=_reflog,
    ),
    "blame": row(
        "S5",
        "-bcCefklMnpstw -L=text -M? -C? -S=read --since= --contents=read --date= --porcelain --line-porcelain --incremental --root"
        " --show-stats --score-debug --show-name --show-number --show-email --color-lines --color-by-age --minimal --ignore-rev="
        " --ignore-revs-file=read --reverse= --first-parent --abbrev= --encoding= --progress --no-progress -h" + _INFO,
        "revision*",
    ),
    "branch": row(
        "S5",
        "-alrvqi -l,--list --all -r,--remotes -v,--verbose --show-current --contains? --no-contains? --merged? --no-merged? --sort= --format="
        " --color? --no-color --column? --no-column --points-at= --ignore-case --abbrev= --no-abbrev -q,--quiet -t,--track? --no-track"
        " --create-reflog --omit-empty -f,--force!A6 -d,--delete!A6 -D!A6 -m,--move!A6 -M!A6 -c,--copy!A6 -C!A6 -u,--set-upstream-to=!A6"
        " --set-upstream!A6 --unset-upstream!A6 --edit-description!A6 --recurse-submodules" + _INFO,
        "text*",
        hook=_branch,
    ),
    "tag": row(
        "S5",
        "-i -a,--annotate -l,--list -n? -m,--message= -F,--file=read -e,--edit!A6 -s,--sign!A6 -u,--local-user=!A6 --cleanup= --sort= --contains?"
        " --no-contains? --merged? --no-merged? --points-at= --format= --color? --column? --no-column --ignore-case --create-reflog"
        " --trailer= --no-sign --omit-empty -f,--force!A6 -d,--delete!A6 -v,--verify!A6" + _INFO,
        "text*",
        hook=_tag,
    ),
    "stash": row("S5", "-puz --patch" + _INFO, "text*", hook=_stash),
    "remote": row(
        "S5",
        "-vn --verbose -t= -m= --tags --no-tags --mirror? --push --all -p --prune -f --delete --add -a --auto -d"
        + _INFO,
        "text*",
        hook=_remote,
    ),
    "worktree": row(
        "S5",
        "-vzfq --porcelain --verbose --expire= -b= -B= --detach -d --lock --reason= --orphan --force --track --guess-remote"
        + _INFO,
        "text*",
        hook=_worktree,
    ),
    "rev-parse": row(
        "S5",
        "-q -q,--quiet --show-toplevel --git-dir --absolute-git-dir --git-common-dir --abbrev-ref? --short? --verify --is-inside-work-tree"
        " --is-inside-git-dir --is-bare-repository --is-shallow-repository --show-prefix --show-cdup --git-path= --symbolic"
        " --symbolic-full-name --branches? --tags? --remotes? --glob= --exclude= --all --default= --show-superproject-working-tree"
        " --local-env-vars --sq --sq-quote --since= --after= --until= --before= --revs-only --no-revs --flags --no-flags --not"
        " --disambiguate= --path-format= --show-object-format? --shared-index-path --end-of-options --prefix= --resolve-git-dir="
        " --show-ref-format" + _INFO,
        "revision*",
        hook=_rev_parse,
    ),
    "describe": row(
        "S5",
        "--all --tags --contains --abbrev= --candidates= --exact-match --debug --long --match= --exclude= --always --first-parent --dirty?"
        " --broken?" + _INFO,
        "revision*",
    ),
    "ls-files": row(
        "S5",
        "-cdmoiksutvfz -c,--cached -d,--deleted -m,--modified -o,--others -i,--ignored -s,--stage -u,--unmerged -k,--killed --directory"
        " --no-empty-directory -x,--exclude= -X,--exclude-from=read --exclude-per-directory= --exclude-standard --error-unmatch"
        " --with-tree= --full-name --recurse-submodules --abbrev? --format= --eol --deduplicate --sparse --resolve-undo --debug"
        + _INFO,
        "revision*",
        hook=_listing,
    ),
    "ls-tree": row(
        "S5",
        "-drtlz --name-only --name-status --object-only --full-name --full-tree --abbrev? --format= --long" + _INFO,
        "revision*",
        hook=_listing,
    ),
    "cat-file": row(
        "S5",
        "-ptse --textconv!A6 --filters!A6 --batch?!A6 --batch-check?!A6 --batch-all-objects!A6 --path=" + _INFO,
        "revision*",
        hook=_cat_file,
    ),
    "grep": row(
        "S5",
        "-EFGPaIiwvhHnlLzcopqWrlr -# --cached --untracked --no-index --recurse-submodules --exclude-standard --no-exclude-standard -a,--text"
        " --textconv!A6 --no-textconv -i,--ignore-case -I -m,--max-count= --max-depth= -r,--recursive --no-recursive -w,--word-regexp"
        " -v,--invert-match -h -H --full-name -E,--extended-regexp -G,--basic-regexp -P,--perl-regexp -F,--fixed-strings -n,--line-number"
        " --column -l,--files-with-matches --name-only -L,--files-without-match -z,--null -c,--count -o,--only-matching --color? --no-color"
        " --break --heading -p,--show-function -C,--context= -A,--after-context= -B,--before-context= -W,--function-context"
        " -O?!A6 --open-files-in-pager?!A6 -f=read -e= --and --or --not --all-match -q,--quiet --threads=" + _INFO,
        "text revision*",
        hook=_grep,
    ),
    "config": row(
        "S5",
        "-lze --get --get-all --get-regexp --get-urlmatch --get-color --get-colorbool --list --add --replace-all --unset --unset-all --all"
        " --rename-section --remove-section --edit --global --system --local --worktree -f,--file=read --blob= --type= --bool --int"
        " --bool-or-int --bool-or-str --path --expiry-date --no-type --null --name-only --show-names --show-origin --show-scope --includes"
        " --no-includes --default= --fixed-value --comment= --regexp --value= --url= --append" + _INFO,
        "text*",
        hook=_config,
    ),
    "count-objects": row("S5", "-vH --verbose --human-readable" + _INFO),
    "merge-base": row("S5", "-a --all --octopus --independent --is-ancestor --fork-point" + _INFO, "revision*"),
    "name-rev": row(
        "S5",
        "--tags --refs= --exclude= --all --annotate-stdin --stdin --name-only --no-undefined --always" + _INFO,
        "revision*",
    ),
    "check-ignore": row("S5", "-qvnz --quiet --verbose --stdin --non-matching --no-index" + _INFO, "text*"),
    "version": row("S2", "--build-options", "text*"),
    "help": row("S2", "-agcv --all --guides --config --no-aliases --no-external-commands --verbose", "text*"),
    "add": row(
        "S6",
        "-nvfiueANp -n,--dry-run -v,--verbose -f,--force -i,--interactive -p,--patch -e,--edit!A6 -u,--update -A,--all --no-ignore-removal"
        " --ignore-removal --no-all -N,--intent-to-add --refresh --ignore-errors --ignore-missing --no-warn-embedded-repo --renormalize"
        " --chmod= --pathspec-from-file=read --pathspec-file-nul --sparse" + _INFO,
        "revision*",
        hook=_add,
    ),
    "commit": row(
        "S6",
        "-aqvseopz -a,--all -p,--patch -C,--reuse-message= -c,--reedit-message= --fixup= --squash= --reset-author --short --branch --porcelain"
        " --long -z,--null -F,--file=read --author= --date= -m,--message= -t,--template=read -s,--signoff --no-signoff --trailer="
        " -n,--no-verify!A6 --verify --allow-empty --allow-empty-message --cleanup= -e,--edit --no-edit --amend!A6 --no-post-rewrite!A6"
        " -i,--include -o,--only --pathspec-from-file=read --pathspec-file-nul -u,--untracked-files? -v,--verbose -q,--quiet --dry-run"
        " --status --no-status -S,--gpg-sign? --no-gpg-sign" + _INFO,
        "revision*",
        hook=_commit,
    ),
    "checkout": custom(_checkout),
    "switch": custom(_checkout),
    "restore": row(
        "A6",
        "-pSWmq -s,--source= -p,--patch -S,--staged -W,--worktree --progress --no-progress --ours --theirs -m,--merge --conflict="
        " --ignore-unmerged --ignore-skip-worktree-bits --recurse-submodules --no-recurse-submodules --overlay --no-overlay"
        " --pathspec-from-file=read --pathspec-file-nul -q,--quiet" + _INFO,
        "text*",
        hook=_restore,
    ),
    "rm": row(
        "A1",
        "-frnq -f,--force -n,--dry-run -r --cached --ignore-unmatch --sparse -q,--quiet --pathspec-from-file=read --pathspec-file-nul"
        + _INFO,
        "text*",
        hook=_rm,
    ),
    "mv": row("S6", "-fknv --force --dry-run --verbose --sparse" + _INFO, "text*", hook=_mv),
    "push": row(
        "A2",
        "-fdnqvu46 -f,--force --force-with-lease? --no-force-with-lease --force-if-includes --no-force-if-includes --mirror -d,--delete"
        " --all --branches --tags --follow-tags --no-follow-tags -u,--set-upstream -n,--dry-run -q,--quiet -v,--verbose --prune"
        " --no-verify --verify --atomic --no-atomic --signed? --no-signed --receive-pack=exec!A8 --exec=exec!A8 --repo= -o,--push-option= --thin"
        " --no-thin --porcelain --progress --no-progress --recurse-submodules= --no-recurse-submodules --ipv4 --ipv6"
        + _INFO,
        "text*",
        hook=_push,
    ),
}
_ONLINE_OPTIONS = (
    "-aqvfkptun46Pjlsh -j,--jobs= --upload-pack= -u= --depth= --deepen= --shallow-since= --shallow-exclude= --unshallow -b,--branch= -o,--origin="
    " -c,--config= --template= --reference= --reference-if-able= --separate-git-dir= --filter= --refmap= --negotiation-tip= -o,--server-option="
    " -X= -s,--strategy= -S? --rebase? --no-rebase --ff --no-ff --ff-only --all --prune --prune-tags --tags --no-tags --force --dry-run"
    " --quiet --verbose --progress --recurse-submodules? --no-recurse-submodules --shallow-submodules --single-branch --no-single-branch"
    " --bare --mirror --no-checkout --sparse --local --no-local --no-hardlinks --shared --dissociate --append --atomic --multiple"
    " --heads --refs --get-url --exit-code --symref --sort= --branches --autostash --no-autostash --commit --no-commit --squash --edit"
    " --no-edit --stat --no-stat --log? --allow-unrelated-histories --set-upstream --update-shallow --keep --ipv4 --ipv6 --porcelain"
    " --show-forced-updates --auto-maintenance --write-fetch-head --bundle-uri= --also-filter-submodules --remote-submodules -h --help"
)
for _verb in ("fetch", "pull", "clone", "ls-remote"):
    _VERBS[_verb] = row("A2", _ONLINE_OPTIONS, "text*", hook=_network)

_CHECKOUT = row(
    "A6",
    "-qft2 -b= -B=!A6 -f,--force!A6 --orphan=!A6 --track? -t --no-track --guess --no-guess -l --detach -d -m,--merge!A6 --conflict= -p,--patch!A6"
    " --ours --theirs --progress --no-progress --overlay --no-overlay --ignore-skip-worktree-bits --ignore-other-worktrees!A6"
    " --recurse-submodules? --no-recurse-submodules --overwrite-ignore --no-overwrite-ignore --pathspec-from-file=read --pathspec-file-nul -q,--quiet"
    + _INFO,
)
_SWITCH = row(
    "A6",
    "-qfd -c,--create= -C,--force-create=!A6 -f,--force!A6 --discard-changes!A6 --orphan=!A6 --track? -t --no-track --guess --no-guess --detach -m,--merge!A6"
    " --conflict= --progress --no-progress --ignore-other-worktrees!A6 --recurse-submodules? --no-recurse-submodules -q,--quiet"
    + _INFO,
)
_CHECKOUT.compile("git checkout")
_SWITCH.compile("git switch")
for _name, _program in _VERBS.items():
    if _program.source is not None:
        _program.name = "git " + _name

_AT_HOME = frozenset(
    name for name, program in _VERBS.items() if program.rule[0] == "S" and name not in ("version", "help")
) | {
    "checkout",
    "switch",
}
"""What is safe in the workspace only."""

_PLAIN_GLOBALS = frozenset(
    "--no-pager --no-optional-locks --literal-pathspecs --glob-pathspecs --noglob-pathspecs --icase-pathspecs --no-replace-objects --bare"
    " --no-lazy-fetch --no-advice".split()
)
_INFO_GLOBALS = frozenset("--version -v --help -h --html-path --man-path --info-path --exec-path".split())
_FOLDER_GLOBALS = ("--git-dir", "--work-tree")


def _git(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    index, end = 1, len(argv)
    outer = None
    try:
        while index < end and argv[index][:1] == "-":
            argument = argv[index]
            index += 1
            name, equals, value = argument.partition("=")
            if argument in _PLAIN_GLOBALS:
                continue
            if argument in _INFO_GLOBALS:
                walk.emit("S2", "git informs")
                return None
            if (
                argument in ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--super-prefix")
                and index < end
            ):
                value = argv[index]
                index += 1
            elif not equals:
                walk.emit("A6", f"git with {show(argument)}")
                continue
            if argument == "-C" or name in _FOLDER_GLOBALS:
                _folder(walk, value)
            if name == "--git-dir" and any(p.startswith(walk.absolute(value) + "/") for p in walk.state.files):
                walk.emit("A0", f"git uses {show(value)}, into which this operation writes")
            if argument == "-C":
                outer = outer or walk.state
                walk.state = walk.state.copy()
                walk.state.vars["PWD"] = walk.absolute(value) if not unknown(value) else UNK
            elif name in _FOLDER_GLOBALS:
                pass
            elif argument == "-c":
                _setting(walk, value)
            else:
                walk.emit("A10" if name == "--exec-path" else "A6", f"git with {show(argument)}")
        if index >= end:
            walk.emit("S2", "git informs")
            return None
        return _verb_of(walk, argv[index:], stdin)
    finally:
        if outer is not None:
            walk.state = outer


def _folder(walk: Walk, value: str) -> None:
    if unknown(walk.absolute(value)):
        walk.emit("A0", f"git works in a folder that is not known: {show(value)}")
    elif not walk.in_workspace(value):
        walk.emit("A5", f"git works in {show(walk.absolute(value))}, which is outside the workspace")


def _own_repository(walk: Walk) -> None:
    """A folder below the workspace can be a repository without ``.git``, whose configuration runs commands."""
    here = walk.cwd() + "/"
    for path in walk.state.files:
        folder, _, name = path.rpartition("/")
        if (
            name in ("config", "config.worktree", "HEAD")
            and folder != walk.place.workspace
            and here.startswith(folder + "/")
        ):
            walk.emit("A0", f"git may be configured by {show(path)}, which this operation writes", (path,))


def _verb_of(walk: Walk, rest: list[str], stdin: str | None) -> str | None:
    verb = rest[0]
    program = _VERBS.get(verb)
    if verb in _AT_HOME:
        if not walk.in_workspace("."):
            _folder(walk, ".")
        elif walk.state.files:
            _own_repository(walk)
    if verb == "stash" and (len(rest) < 2 or rest[1] not in ("list", "show")):
        walk.emit("A6", "git stash changes the working tree")
        return None
    if verb == "stash":
        return _STASH.run(walk, rest[1:], stdin)
    if program is not None:
        if program.source is not None:
            program.compile("git " + verb)
        return program.run(walk, rest, stdin)
    if not known(verb):
        walk.emit("A0", f"git has a sub-command that is not known: {show(verb)}")
        return UNK
    if verb not in _KNOWN_OTHERS:
        walk.emit("A0", f"git has a sub-command that is not known (an alias?): {verb}")
        return None
    return _other(walk, rest, stdin)


_STASH = row("S5", _DIFF + _LOG + " --include-untracked --only-untracked" + _INFO, "revision*")

ROWS: dict[str, Program] = {
    "git": custom(_git),
    "git-lfs": custom(lambda walk, argv, stdin: _other(walk, ["lfs", *argv[1:]], stdin)),
}
