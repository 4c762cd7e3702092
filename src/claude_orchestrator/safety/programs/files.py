"""Programs that create, change, move or delete files (S4, A1, A4, B1, B2, B10)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Options, Program, custom, row
from claude_orchestrator.safety.values import NAME, NET, NUM, SEC, UNK, show, taints, unknown, wild
from claude_orchestrator.safety.zones import absolute, delete_rule, mass, read_rule, secret, write_rule, zone

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_INFO = " --help --version"


def _is_device(walk: Walk, path: str) -> bool:
    return zone(walk.absolute(path), walk.place) == "BLOCK"


def _rm(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    recursive = bool(names & {"recursive", "r", "R"})
    if names and names <= {"help", "version"}:
        walk.emit("S2", "informs")
        return None
    for path in operands:
        full = walk.absolute(path)
        parent, _, last = full.rpartition("/")
        # Every file below a folder, as an unfiltered `find` gives them, is the same as a recursive delete of the folder.
        everything = last == NAME and not wild(parent)
        walk.delete(path, recursive=recursive or everything)
    if not operands:
        walk.emit("A1", f"{argv[0]} deletes files that are not named")
    return None


def _shred(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for path in operands:
        if _is_device(walk, path):
            walk.emit("B2", f"overwrites the device {show(path)}", (walk.absolute(path),))
        else:
            walk.delete(path, recursive=False, what="overwrites")
    if not operands:
        walk.emit("A1", "overwrites files that are not named")
    return None


def _arrives(walk: Walk, target: str, source: str) -> str | None:
    """Judge the path at which a source ends up when the target is a folder; None where the target's own judgement says all."""
    base = source.rstrip("/").rpartition("/")[2]
    if base in ("", ".", "..") or unknown(base) or base == NAME or walk.absolute(target) == "/dev/null":
        return None
    inside = target.rstrip("/") + "/" + base
    rule = write_rule(walk.absolute(inside), walk.place, walk.policy)
    if rule != "S4":
        walk.emit(rule, f"writes {show(walk.absolute(inside))}", (walk.absolute(inside),))
    return inside


def _tree_arrives(walk: Walk, source: str, target: str, contents: bool = False) -> None:
    """Judge where the files of a folder end up; ``contents``: they, and not the folder, are put into the target."""
    full, new = walk.absolute(source), walk.absolute(target)
    base = full.rpartition("/")[2]
    for path in list(walk.state.files):
        if not path.startswith(full.rstrip("/") + "/"):
            continue
        rest = path[len(full.rstrip("/")) :]
        for place in (new + rest, f"{new}/{base}{rest}"):
            rule = write_rule(place, walk.place, walk.policy)
            if rule != "S4":
                walk.emit(rule, f"writes {show(place)}", (place,))
    if contents and new == walk.place.workspace and not walk.in_workspace(source):
        walk.emit("A0", f"puts everything in {show(full)} into the workspace, whose names are not known")
    if new.endswith("/.github") and not _GITHUB_FILES.search(base):
        walk.emit("A4", f"may write workflows in {show(new)}", (new,))


_GITHUB_FILES = re.compile(r"\.(?:md|ya?ml|json|txt)$|^(?:CODEOWNERS|FUNDING)$")


def _targets(options: Options, operands: list[str]) -> tuple[list[str], str | None]:
    """The sources and the target of ``cp``, ``mv``, ``ln`` and ``install``."""
    for name, value in options:
        if name == "target-directory":
            return operands, value
    return operands[:-1], operands[-1] if operands else None


def _cp(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    sources, target = _targets(options, operands)
    if target is None or not sources:
        walk.emit("A0", "copies what is not named")
        return None
    recursive = names & {"recursive", "r", "R", "archive"}
    if "parents" in names and any(".." in source for source in sources):
        walk.emit("A0", "copies with a path that leads upwards")
    for source in sources:
        if recursive:
            _tree_arrives(walk, source, target, bool(names & {"T", "no-target-directory"}) or source.endswith("/."))
        content = walk.read_tree(source) if recursive else walk.read(source)
        if source in ("/dev/stdin", "/dev/fd/0"):
            content = stdin
        if names & {"symbolic-link", "link"} and not walk.in_workspace(source):
            walk.emit("A4", f"links to {show(source)}, which is outside the workspace")
        if names & {"symbolic-link", "link"}:
            content = None
        walk.write(target, content, empties=content == "")
        inside = _arrives(walk, target, source)
        if inside is not None:
            walk.state.files[walk.absolute(inside)] = UNK if content is None else content
    return None


def _mv(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    sources, target = _targets(options, operands)
    if target is None or not sources:
        walk.emit("A0", "moves what is not named")
        return None
    nowhere = walk.absolute(target) == "/dev/null"
    for source in sources:
        full = walk.absolute(source)
        if NAME not in full and delete_rule(full, walk.place, recursive=True) == "B1":
            walk.emit("B1", f"moves {show(full)} away", (full,))
        elif nowhere:
            walk.emit("A1", f"moves {show(full)} into nothing", (full,))
        else:
            rule = write_rule(full, walk.place, walk.policy)
            if rule != "S4":
                walk.emit(rule, f"moves {show(full)} away", (full,))
        content = UNK + SEC if secret(full, walk.policy) else walk.content(full)
        if not nowhere:
            _tree_arrives(walk, source, target)
            walk.write(target, content)
            inside = _arrives(walk, target, source)
            if inside is not None and content is not None:
                walk.state.files[walk.absolute(inside)] = content
    return None


def _ln(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    sources, target = _targets(options, operands)
    if len(operands) == 1 and sources == []:
        sources, target = operands, "."
    if target is None or not sources:
        walk.emit("A0", "links what is not named")
        return None
    names = {name for name, _ in options}
    symbolic = bool(names & {"symbolic", "s"}) and not names & {"relative", "r"}
    for source in sources:
        folder = walk.absolute(target).rpartition("/")[0] or "/"
        full = walk.absolute(source) if source[:1] == "/" or not symbolic else absolute(source, folder)
        if full == "/dev/null":
            walk.emit("A1", f"puts a link to nothing in place of {show(target)}", (walk.absolute(target),))
            continue
        if unknown(full):
            walk.emit("A0", f"links to {show(full)}, which is not known")
        elif zone(full, walk.place) != "WS":
            walk.emit("A4", f"links to {show(full)}, which is outside the workspace", (full,))
        elif read_rule(full, walk.place, walk.policy) != "S1":
            walk.emit("A5", f"links to {show(full)}", (full,))
        elif write_rule(full, walk.place, walk.policy) != "S4":
            walk.emit("A4", f"links to {show(full)}", (full,))
        content = UNK + SEC if secret(full, walk.policy) else walk.content(full)
        _tree_arrives(walk, source, target)
        walk.write(target, content)
        inside = _arrives(walk, target, source)
        if inside is not None and content is not None:
            walk.state.files[walk.absolute(inside)] = content
    return None


_OCTAL = re.compile(r"[0-7]{3,5}")
_SYMBOLIC = re.compile(r"[ugoa]*(?:[-+=][rwxXstugo]*)+(?:,[ugoa]*(?:[-+=][rwxXstugo]*)+)*")
_SETS_ID = re.compile(r"[+=][rwxXtugo]*s")
_WORLD = re.compile(r"(?:^|,)[ug]*[oa][ugoa]*(?:[-+=][rwxXstugo]*)*?[+=][rxXst]*[wug]")


def _mode(walk: Walk, mode: str, what: str) -> None:
    """Judge a file mode: setuid and setgid bits are B10, world-writable is no S4."""
    mode = mode.lstrip("=+") if mode[1:].isdigit() else mode
    if mode.isdigit() and _OCTAL.fullmatch(mode.zfill(3)):
        bits = int(mode, 8)
        if bits & 0o6000:
            walk.emit("B10", f"sets the setuid or setgid bit ({mode}) of {what}")
        elif bits & 0o002:
            walk.emit("A4", f"makes {what} writable for everybody ({mode})")
        return
    if not _SYMBOLIC.fullmatch(mode):
        walk.emit("A0", f"sets a mode that is not known ({show(mode)}) of {what}")
        return
    if _SETS_ID.search(mode):
        walk.emit("B10", f"sets the setuid or setgid bit ({mode}) of {what}")
    elif _WORLD.search(mode):
        walk.emit("A4", f"makes {what} writable for everybody ({mode})")


_MODE_OPTION = re.compile(r"-[rwxXstugoa]+(?:[,+=].*)?")


def _chmod(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``chmod``: its mode may look like an option (``-x``)."""
    mode: str | None = None
    plain = [argv[0]]
    ended = False
    for argument in argv[1:]:
        if argument == "--":
            ended = True
        if mode is None and not ended and argument != "-R" and _MODE_OPTION.fullmatch(argument):
            mode = argument
        else:
            plain.append(argument)
    options, operands, _ = _CHMOD.parse(walk, plain)
    names = {name for name, _ in options}
    if names and names <= {"help", "version"}:
        walk.emit("S2", "informs")
        return None
    if "reference" in names:
        walk.emit("A0", "takes a mode from another file")
    elif mode is None:
        if not operands:
            walk.emit("A0", "changes modes that are not named")
            return None
        mode, operands = operands[0], operands[1:]
    recursive = "recursive" in names
    for path in operands:
        full = walk.absolute(path)
        if recursive and delete_rule(full, walk.place, recursive=True) == "B1":
            walk.emit("B1", f"changes the modes of everything in {show(full)}", (full,))
            continue
        if mode is not None:
            _mode(walk, mode, show(full))
        if recursive:
            walk.emit("A4", f"changes the modes of everything in {show(full)}", (full,))
        walk.write(path, walk.content(full))
    if not operands:
        walk.emit("A0", "changes modes of files that are not named")
    return None


def _chown(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    recursive = any(name == "recursive" for name, _ in options)
    for path in operands if any(name == "reference" for name, _ in options) else operands[1:]:
        full = walk.absolute(path)
        if recursive and mass(full, walk.place):
            walk.emit("B1", f"changes the owner of everything in {show(full)}", (full,))
    walk.emit("A7", "changes owners")
    return None


def _mkdir(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for name, value in options:
        if name == "mode":
            _mode(walk, value, "a new folder")
    for path in operands:
        walk.write(path, "")
    if not operands:
        walk.emit("S2", "informs")
    return ""


def _touch(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for path in operands:
        full = walk.absolute(path)
        old = walk.content(full)
        walk.write(path, old if old is not None else UNK)
    return ""


def _truncate(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    size = dict(options).get("size", "")
    for path in operands:
        if size[:1] in ("+", ">"):
            walk.write(path)
        else:
            walk.write(path, "", empties=True)
    return ""


def _install(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    for name, value in options:
        if name == "mode":
            _mode(walk, value, "what is installed")
    if names & {"owner", "group"}:
        walk.emit("A7", "sets an owner")
    if names & {"directory"}:
        for path in operands:
            walk.write(path, "")
        return None
    return _cp(walk, argv, options, operands, stdin)


_DD = frozenset("if of bs ibs obs count skip seek iseek oseek conv iflag oflag status cbs".split())


def _dd(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    given: dict[str, str] = {}
    for argument in argv[1:]:
        name, sign, value = argument.partition("=")
        if argument in ("--help", "--version"):
            walk.emit("S2", "informs")
            return None
        if not sign or name not in _DD:
            walk.emit("A0", f"dd has an operand that is not known: {show(argument)}")
        given[name] = value
    content = walk.read(given["if"]) if "if" in given else stdin
    walk.emit("S1", "copies bytes")
    if "of" in given:
        empties = content == "" or given.get("count") == "0"
        walk.write(given["of"], content, empties=empties)
        return ""
    return content


def _mktemp(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    folder = next((value for name, value in options if name in ("tmpdir", "p") and value), "")
    template = operands[0] if operands else ""
    names = {name for name, _ in options}
    if not template:
        path = (folder or "/tmp") + "/tmp." + NUM  # noqa: S108  # nosec B108 - what mktemp prints
    else:
        path = template.replace("X" * max(template.count("X"), 1), NUM) if "X" in template else template
        if folder or names & {"t", "tmpdir", "p"}:
            path = (folder or "/tmp") + "/" + path  # noqa: S108  # nosec B108
    walk.write(path)
    return path + "\n"


def _mkfifo(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    walk.seen.add("fifo")
    for path in operands:
        walk.write(path)
    return ""


_REMOTE = re.compile(r"(?:[\w.-]+@)?[\w.\[\]-]+:|rsync://")


def _rsync(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    sources, target = operands[:-1], operands[-1] if operands else ""
    if len(operands) < 2:
        sources, target = operands, ""
    remote = [path for path in operands if _REMOTE.match(path)]
    if remote:
        walk.emit("A2", f"copies over the network: {show(remote[0])}")
    for name, value in options:
        if name == "chmod":
            for clause in value.split(","):
                _mode(walk, clause.lstrip("DF"), "what is copied")
        elif name == "files-from" or (name in ("filter", "f") and re.match(r"(?:dir-)?merge|[.:]", value)):
            walk.emit("A0", f"takes names or rules from {show(value)}")
    taint = ""
    for source in sources:
        if source not in remote:
            taint += taints(walk.read_tree(source))
            if target and target not in remote:
                _tree_arrives(walk, source, target, source.endswith(("/", "/.")))
    if target in remote:
        walk.send(taint, show(target))
        return None
    if target:
        deletes = any(name.startswith("delete") or name == "del" for name in names)
        full = walk.absolute(target)
        if deletes:
            empty = any(_empty(walk, source) for source in sources)
            walk.emit(
                "B1" if empty and mass(full, walk.place) else "A1", f"deletes what is in {show(full)} only", (full,)
            )
        if "dry-run" not in names:
            walk.write(target, UNK + NET + taint if remote else taint or None)
    if "remove-source-files" in names:
        walk.emit("A1", "deletes the sources")
    if "dry-run" in names or not target:
        walk.emit("S1", "lists what would be copied")
    return None


def _empty(walk: Walk, source: str) -> bool:
    """Whether a folder is empty as far as the text tells: just made, or called so."""
    base = source.rstrip("/").rpartition("/")[2].lower()
    return "empty" in base or "blank" in base or walk.state.files.get(walk.absolute(source)) == "" or NUM in source


def _patch(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    given = dict(options)
    if any("/" in given.get(name, "") for name in ("prefix", "Y", "suffix")):
        walk.emit("A0", "keeps what it changes in another folder")
    if "dry-run" in given:
        walk.emit("S1", "tries a patch")
        return None
    if "output" in given:
        return None
    if not operands:
        walk.emit("A0", "changes files that the patch names")
        return None
    walk.write(operands[0])
    return None


_RSYNC = (
    "-aAbcCDEgGhHiIjkKlLmnNoOpPqrRsStTuUvWxXyz0 -n,--dry-run -e,--rsh=exec!A8 --rsync-path=!A8 --exclude= --include= --filter= -f="
    " --exclude-from=read --include-from=read --files-from=read -B,--block-size= --bwlimit= --max-size= --min-size= --timeout="
    " --contimeout= --port= --password-file=read --log-file=write --log-file-format= --out-format= --partial-dir=write"
    " --temp-dir=write --backup-dir=write --suffix= --compare-dest=read --copy-dest=read --link-dest=read --chmod= --chown="
    " --usermap= --groupmap= --compress-level= --skip-compress= --info= --debug= --max-delete= --modify-window= --address="
    " --archive --verbose --quiet --checksum --recursive --relative --no-implied-dirs --update --inplace --append --dirs"
    " --links --copy-links --safe-links --hard-links --perms --executability --acls --xattrs --owner --group --devices --specials"
    " --times --omit-dir-times --super --sparse --whole-file --one-file-system --existing --ignore-existing --ignore-times"
    " --size-only --fuzzy --compress --stats --human-readable --progress --itemize-changes --partial --backup --numeric-ids"
    " --delete --delete-before --delete-during --delete-delay --delete-after --delete-excluded --del --ignore-errors --force"
    " --remove-source-files --prune-empty-dirs --list-only --no-perms --no-owner --no-group --no-times --mkpath --cvs-exclude"
    " --no-motd --ipv4 --ipv6 --copy-unsafe-links --copy-dirlinks --keep-dirlinks --fake-super --delay-updates" + _INFO
)
_COPY = (
    "-abdfHiLnPpRrslTuvxZ -S,--suffix= -t,--target-directory=name -a,--archive -r,--recursive -s,--symbolic-link -l,--link --backup?"
    " --preserve? --no-preserve= --parents --reflink? --sparse= --strip-trailing-slashes --remove-destination --attributes-only"
    " --copy-contents --no-dereference --force --interactive --dereference --no-clobber --no-target-directory --update? --verbose"
    " --one-file-system --context? --debug --keep-directory-symlink" + _INFO
)

_CHMOD = row(
    "S4",
    "-cfvR -R,--recursive --changes --quiet --silent --verbose --no-preserve-root --preserve-root --reference=read"
    + _INFO,
    "text*",
)
_CHMOD.compile("chmod")

ROWS: dict[str, Program] = {
    "rm": row(
        "A1",
        "-fiIdv -r,-R,--recursive --force --interactive? --one-file-system --no-preserve-root --preserve-root? --dir --verbose"
        + _INFO,
        "delete*",
        hook=_rm,
    ),
    "unlink": row("A1", _INFO, "delete*", hook=_rm),
    "rmdir": row("A1", "-pv --parents --verbose --ignore-fail-on-non-empty" + _INFO, "delete*", hook=_rm),
    "srm": row("A1", "-rfv", "delete*", hook=_rm),
    "trash": row("A1", "-rfv", "delete*", hook=_rm),
    "trash-put": row("A1", "-rfv", "delete*", hook=_rm),
    "shred": row(
        "A1",
        "-fuvxz -n,--iterations= -s,--size= --random-source=read --remove? --force --verbose --exact --zero" + _INFO,
        "delete*",
        hook=_shred,
    ),
    "cp": row("S4", _COPY, "text*", hook=_cp),
    "mv": row(
        "S4",
        "-bfinTuvZ -S,--suffix= -t,--target-directory=name --backup? --force --interactive --no-clobber --no-target-directory"
        " --update? --verbose --strip-trailing-slashes --context --exchange --no-copy --debug" + _INFO,
        "text*",
        hook=_mv,
    ),
    "install": row(
        "S4",
        "-bcCDpsTvZ -d,--directory -m,--mode= -o,--owner= -g,--group= -S,--suffix= -t,--target-directory=name --strip"
        " --strip-program=!A8 --backup? --compare --preserve-timestamps --no-target-directory --verbose" + _INFO,
        "text*",
        hook=_install,
    ),
    "ln": row(
        "S4",
        "-bdfFiLnPrTv -s,--symbolic -S,--suffix= -t,--target-directory=name --backup? --directory --force --interactive --logical"
        " --no-dereference --physical --relative --no-target-directory --verbose" + _INFO,
        "text*",
        hook=_ln,
    ),
    "link": row("S4", _INFO, "text text", hook=_ln),
    "mkdir": row("S4", "-pvZ -m,--mode= --parents --verbose --context?" + _INFO, "write*", hook=_mkdir),
    "touch": row(
        "S4",
        "-acfhm -r,--reference=read -t= -d,--date= --time= --no-create --no-dereference" + _INFO,
        "write*",
        hook=_touch,
    ),
    "truncate": row(
        "S4", "-co -s,--size= -r,--reference=read --no-create --io-blocks" + _INFO, "write*", hook=_truncate
    ),
    "chmod": custom(_chmod),
    "chown": row(
        "A7",
        "-cfhvHLP -R,--recursive --from= --reference=read --changes --silent --quiet --dereference --no-dereference"
        " --preserve-root --no-preserve-root --verbose" + _INFO,
        "text*",
        hook=_chown,
    ),
    "chgrp": row(
        "A7",
        "-cfhvHLP -R,--recursive --reference=read --changes --silent --quiet --dereference --no-dereference --preserve-root"
        " --no-preserve-root --verbose" + _INFO,
        "text*",
        hook=_chown,
    ),
    "dd": custom(_dd),
    "mktemp": row("S4", "-dqtu -p= --tmpdir? --suffix= --directory --dry-run --quiet" + _INFO, "text", hook=_mktemp),
    "mkfifo": row("S4", "-Z -m,--mode=" + _INFO, "write*", hook=_mkfifo),
    "mknod": row("A7", "-Z -m,--mode=" + _INFO, "write text*"),
    "rsync": row("S4", _RSYNC, "text*", hook=_rsync),
    "patch": row(
        "S4",
        "-bclnNRsftuvZE -p,--strip= -i,--input=read -d,--directory=dir -o,--output=write -r,--reject-file=write -F,--fuzz= -V= -z,--suffix="
        " -B,--prefix= -D,--ifdef= -Y= --dry-run --forward --reverse --quiet --silent --batch --force --backup --verbose"
        " --ignore-whitespace --unified --context --normal --posix --binary --no-backup-if-mismatch --merge? --read-only="
        " --reject-format=" + _INFO,
        "text text",
        hook=_patch,
    ),
    "sync": row("S2", "-df --data --file-system" + _INFO, "text*"),
    "rename": row("A0", "-nvf", "text*", what="renames files by a program"),
    "setfacl": row("A7", "-mxbkRnd", "text*"),
    "chattr": row("A7", "-RVf", "text*"),
}
