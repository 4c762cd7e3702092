"""Archives: listing reads (S1), creating writes a named archive (S4), unpacking writes what nobody named (A0)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Options, Program, custom, row
from claude_orchestrator.safety.values import DEC, NET, UNK, known, show, taints
from claude_orchestrator.safety.zones import write_rule

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_INFO = " --help --version"

_TAR_VALUES = frozenset("fCTXbgHKLNV")
_TAR_FLAGS = frozenset("ctxruAdzjJaZvkmopPhlwWiOsSBRMnGU")
_TAR_RUNS = frozenset(
    "--use-compress-program --to-command --checkpoint-action --info-script --new-volume-script --rsh-command --rmt-command".split()
)
_TAR_LONG_VALUES = frozenset(
    "--file --directory --exclude --exclude-from --files-from --transform --xform --strip-components --owner --group --mode --mtime --sort --format"
    " --pax-option --level --blocking-factor --record-size --label --newer --newer-mtime --after-date --starting-file --suffix --checkpoint"
    " --warning --quoting-style --listed-incremental --exclude-tag --exclude-tag-all --exclude-tag-under --add-file --index-file --volno-file"
    " --sparse-version --hole-detection --tape-length --clamp-mtime --occurrence".split()
)
_TAR_LONG_FLAGS = frozenset(
    "--create --list --extract --get --append --update --concatenate --catenate --diff --compare --delete --gzip --gunzip --ungzip --bzip2 --xz --lzma"
    " --zstd --lzip --lzop --auto-compress --no-auto-compress --verbose --keep-old-files --skip-old-files --keep-newer-files --overwrite"
    " --overwrite-dir --no-overwrite-dir --unlink-first --recursive-unlink --preserve-permissions --same-permissions --no-same-permissions"
    " --same-owner --no-same-owner --numeric-owner --touch --preserve-order --dereference --hard-dereference --one-file-system --absolute-names"
    " --to-stdout --verify --remove-files --wildcards --no-wildcards --wildcards-match-slash --anchored --no-anchored --ignore-case --no-ignore-case"
    " --no-recursion --recursion --exclude-vcs --exclude-vcs-ignores --exclude-backups --exclude-caches --null --no-null --totals --show-transformed-names"
    " --show-stored-names --utc --full-time --block-number --sparse --seek --no-seek --ignore-failed-read --ignore-zeros --force-local --backup"
    " --interactive --confirmation --no-unquote --xattrs --no-xattrs --acls --no-acls --selinux --delay-directory-restore --posix --portability"
    " --help --version --usage --checkpoint --multi-volume --incremental --check-device --no-check-device --verbatim-files-from --totals".split()
)
_TAR_MODES = {
    "--create": "c", "--list": "t", "--extract": "x", "--get": "x", "--append": "r", "--update": "u", "--concatenate": "A",
    "--catenate": "A", "--diff": "d", "--compare": "d", "--delete": "D",
}  # fmt: skip


class _Tar:
    """A tar command line."""

    def __init__(self) -> None:
        self.flags: set[str] = set()
        self.longs: set[str] = set()
        self.archives: list[str] = []
        self.operands: list[tuple[str, str]] = []
        self.folder = ""
        self.files_from: list[str] = []

    def option(self, walk: Walk, name: str, value: str) -> None:
        """Apply an option that has a value."""
        if name in ("f", "--file"):
            self.archives.append(value)
        elif name in ("C", "--directory"):
            self.folder = value if value[:1] == "/" or not self.folder else f"{self.folder}/{value}"
        elif name in ("T", "--files-from", "X", "--exclude-from"):
            walk.read(value)
            if name in ("T", "--files-from"):
                self.files_from.append(value)
        elif name == "--add-file":
            self.operands.append((self.folder, value))
        elif name in ("g", "--listed-incremental", "--index-file", "--volno-file"):
            walk.write(value)
        elif name in ("I", "F", "--rsh-command") or name in _TAR_RUNS:
            walk.emit("A8", f"tar runs a program: {show(value)}")
            walk.run_text(value.removeprefix("exec="), None, "a command of tar")


def _tar_parse(walk: Walk, argv: list[str]) -> _Tar:
    tar = _Tar()
    index, end = 1, len(argv)
    if index < end and argv[1][:1] != "-":
        # The old form: letters without a dash, their values follow in order.
        letters = argv[1]
        index = 2
        for letter in letters:
            if letter in _TAR_VALUES or letter in "IF":
                tar.option(walk, letter, argv[index] if index < end else "")
                index += 1
            elif letter in _TAR_FLAGS:
                tar.flags.add(letter)
            else:
                walk.emit("A0", f"tar has an option that is not known: {letter}")
    while index < end:
        argument = argv[index]
        index += 1
        if argument[:2] == "--" and len(argument) > 2:
            index = _tar_long(walk, tar, argv, argument, index)
        elif argument[:1] == "-" and len(argument) > 1 and argument != "--":
            for position, letter in enumerate(argument[1:], 2):
                if letter in _TAR_VALUES or letter in "IF":
                    value = argument[position:]
                    if not value and index < end:
                        value = argv[index]
                        index += 1
                    tar.option(walk, letter, value)
                    break
                if letter in _TAR_FLAGS:
                    tar.flags.add(letter)
                else:
                    walk.emit("A0", f"tar has an option that is not known: {show(argument)}")
                    break
        elif argument != "--":
            tar.operands.append((tar.folder, argument))
    return tar


def _tar_long(walk: Walk, tar: _Tar, argv: list[str], argument: str, index: int) -> int:
    name, equals, value = argument.partition("=")
    every = [*_TAR_RUNS, *_TAR_LONG_VALUES, *_TAR_LONG_FLAGS]
    if name not in every:
        found = [option for option in every if option.startswith(name)]
        if len(found) != 1:
            walk.emit("A0", f"tar has an option that is not known: {show(argument)}")
            return index
        name = found[0]
    if name in _TAR_RUNS or (name in _TAR_LONG_VALUES and not (name == "--checkpoint" and not equals)):
        if not equals and index < len(argv):
            value = argv[index]
            index += 1
        tar.option(walk, name, value)
    else:
        tar.longs.add(name)
        if name in _TAR_MODES:
            tar.flags.add(_TAR_MODES[name])
    return index


_TAR_REMOTE = re.compile(r"[^/:]+:")


def _tar(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) < 2 or argv[1] in ("--help", "--version", "--usage"):
        walk.emit("S2", "tar informs")
        return None
    tar = _tar_parse(walk, argv)
    mode = tar.flags & set("ctxruAdD")
    archive = tar.archives[-1] if tar.archives else "-"
    if len(tar.archives) > 1:
        walk.emit("A0", "uses several archives")
    remote = _TAR_REMOTE.match(archive) and "--force-local" not in tar.longs
    if remote:
        walk.emit("A2", f"uses an archive on another host: {show(archive)}")
    if "--remove-files" in tar.longs:
        walk.emit("A1", "deletes the files that it packs")
    if mode == {"c"}:
        return _tar_create(walk, tar, archive, bool(remote), stdin)
    content = stdin if archive == "-" else None if remote else walk.read(archive)
    found = taints(content)
    if len(mode) == 1 and mode <= {"t", "d"}:
        walk.emit("S1", "lists an archive")
        return UNK + found
    if mode == {"x"}:
        return _tar_extract(walk, tar, found)
    walk.emit("A0", "changes an archive")
    return None


def _tar_names(walk: Walk, tar: _Tar, stdin: str | None) -> list[tuple[str, str]]:
    """What is packed because a file names it; such a file may hold options, too."""
    names: list[tuple[str, str]] = []
    for path in tar.files_from:
        content = stdin if path == "-" else walk.content(walk.absolute(path))
        lines = (content or "").replace("\0", "\n").split("\n")
        if content is None or not known(content) or any(line[:1] == "-" for line in lines):
            walk.emit("A0", f"packs what {show(path)} names")
        names += [(tar.folder, line) for line in lines if line]
    return names


def _tar_create(walk: Walk, tar: _Tar, archive: str, remote: bool, stdin: str | None) -> str | None:
    found = ""
    for folder, operand in [*tar.operands, *_tar_names(walk, tar, stdin)]:
        if operand[:1] == "@":
            walk.emit("A0", f"packs what is in {show(operand)}")
        found += taints(walk.read_tree(f"{folder}/{operand}" if folder and operand[:1] != "/" else operand))
    for folder in {folder for folder, _ in tar.operands if folder}:
        walk.read(folder)
    if not tar.operands and not tar.files_from:
        walk.emit("A0", "packs what is not named")
    if archive == "-":
        walk.emit("S1", "packs files")
        return UNK + found
    if remote:
        walk.send(found, archive)
    else:
        walk.write(archive, UNK + found)
    return None


def _unpacks(walk: Walk, target: str) -> None:
    """Files whose names only the archive knows: they may be protected ones."""
    rule = write_rule(target, walk.place, walk.policy)
    walk.emit(
        "A0" if rule == "S4" else rule, f"unpacks files into {show(target)}, whose names are not known", (target,)
    )


def _tar_extract(walk: Walk, tar: _Tar, found: str) -> str | None:
    if "O" in tar.flags or "--to-stdout" in tar.longs:
        walk.emit("S1", "unpacks to its output")
        return UNK + DEC + found
    target = walk.absolute(tar.folder or ".")
    _unpacks(walk, target)
    if NET in found:
        walk.state.files[target + "/"] = UNK + NET
    return None


# --- the others -------------------------------------------------------------------------------------------------------


def _zip(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    if not operands:
        walk.emit("S2" if options else "A0", "zip informs")
        return None
    if any(re.match(r"-\w*(?:lf|TT|@)", argument) for argument in argv[1:]):
        walk.emit("A0", "takes names from its input, writes a log or runs a test")
    found = ""
    for operand in operands[1:]:
        if operand != "-":
            found += taints(walk.read_tree(operand))
    if operands[0] == "-":
        return UNK + found
    archive = operands[0] if "." in operands[0].rpartition("/")[2] else operands[0] + ".zip"
    walk.write(archive, UNK + found)
    return None


def _unzip(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    found = taints(walk.read(operands[0])) if operands else ""
    if names & {"l", "v", "t", "Z", "z"} or not operands or argv[0] == "zipinfo":
        walk.emit("S1", "lists an archive")
        return UNK + found
    if names & {"p", "c"}:
        walk.emit("S1", "unpacks to its output")
        return UNK + DEC + found
    target = walk.absolute(dict(options).get("d", "."))
    _unpacks(walk, target)
    if NET in found:
        walk.state.files[target + "/"] = UNK + NET
    return None


_UNPACKERS = frozenset("gunzip bunzip2 unxz unzstd".split())


def _compress(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """``gzip`` and its kin: to standard output, or in place of the file (which is deleted unless ``-k``)."""
    names = {name for name, _ in options}
    if argv[0] == "lz4" and (len(operands) > 1 or "list" in names):
        walk.emit("A0", "lz4 writes its second file")
    unpacks = argv[0] in _UNPACKERS or bool(names & {"decompress", "uncompress", "d"})
    mark = DEC if unpacks else ""
    if names & {"list", "l", "test", "t"}:
        for operand in operands:
            walk.read(operand)
        walk.emit("S1", "looks at compressed files")
        return None
    if not operands:
        walk.emit("S1", "compresses or decompresses its input")
        return UNK + mark + taints(stdin)
    found = "".join(taints(walk.read(operand)) for operand in operands)
    if names & {"stdout", "to-stdout", "c"}:
        walk.emit("S1", "compresses or decompresses to its output")
        return UNK + mark + found
    keeps = bool(names & {"keep", "k"}) or ("zstd" in argv[0] and "rm" not in names)
    if "o" not in names:
        for operand in operands:
            target = re.sub(r"\.\w+$", "", operand) if unpacks else operand + ".gz"
            walk.write(target, UNK + mark + found)
    if not keeps:
        for operand in operands:
            walk.delete(operand, recursive=False, what="replaces")
    return None


_SEVEN_OPTIONS = re.compile(
    r"-(?:t\w+|m[\w=:+-]+|r[0-]?|y|ba|bd|bb\d?|bs\w+|slt|ssc-?|spf?2?|xr?0?!.*|v\d+[bkmg]|p\S*|sdel|snl|snh|ms=\w+)"
)


def _seven(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    verb = argv[1] if len(argv) > 1 else ""
    operands = [a for a in argv[2:] if a[:1] != "-"]
    for argument in argv[2:]:
        if argument[:1] == "@" or (argument[:1] == "-" and not _SEVEN_OPTIONS.fullmatch(argument)):
            walk.emit("A0", f"7z has an option that is not known: {show(argument)}")
    if verb in ("l", "t", "i", ""):
        for operand in operands[:1]:
            walk.read(operand)
        walk.emit("S1", "lists an archive")
    elif verb == "a" and operands:
        for operand in operands[1:]:
            walk.read_tree(operand)
        walk.write(operands[0])
        if any(a.startswith("-sdel") for a in argv):
            walk.emit("A1", "deletes the files that it packs")
    else:
        walk.emit("A0", "unpacks or changes an archive")
    return None


def _ar(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    letters = argv[1].lstrip("-") if len(argv) > 1 else ""
    if any(argument[:1] in ("-", "@") for argument in argv[2:]) or set(letters) - set("tpvVoOP"):
        walk.emit("A0", "ar changes an archive, loads code or takes arguments from a file")
    elif letters[:1] in ("t", "p") and len(argv) > 2:
        walk.read(argv[2])
        walk.emit("S1", "lists an archive")
    else:
        walk.emit("A0", "changes an archive")
    return None


def _cpio(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    options = [argument for argument in argv[1:] if argument[:1] == "-"]
    if any(re.fullmatch("-[itvn]*t[itvn]*|--list", option) for option in options) and all(
        re.fullmatch("-[itvn]+|--list|--extract|--verbose|--quiet|--numeric-uid-gid", option) for option in options
    ):
        walk.emit("S1", "lists an archive")
    else:
        walk.emit("A0", "packs or unpacks files whose names are not known")
    return UNK + taints(stdin)


_GZIP = row(
    "S4",
    "-123456789fnNqv -c,--stdout,--to-stdout -d,--decompress,--uncompress -k,--keep -l,--list -t,--test -r,--recursive!A1 -S,--suffix= --force --no-name"
    " --name --quiet --verbose --fast --best --rsyncable --synchronous -T,--threads= -e,--extreme -M,--memory= -F,--format= -z,--compress --sparse"
    " --rm -o=write --ultra -#" + _INFO,
    "read*",
    hook=_compress,
)

ROWS: dict[str, Program] = {
    "tar": custom(_tar),
    "bsdtar": custom(_tar),
    "zip": row(
        "S4",
        "-0123456789DFfghjJklLoqruvwXyzA@ -e -P= -x= -i= -b=write -t= -tt= -s= -ms -n= -d!A1 -m!A1 -U!A1 -T -TT=exec!A8 --unzip-command=exec!A8 --out=write"
        " -O=write --exclude= --include= --recurse-paths --junk-paths --quiet --verbose --symlinks --test --move!A1 --delete!A1 --password= --encrypt"
        " --update --freshen --filesync!A1 --grow" + _INFO,
        "read*",
        hook=_zip,
    ),
    "unzip": row("S1", "-lvtZzpcqojnaCLXMuf12smhT -d= -P= -x=" + _INFO, "read*", hook=_unzip),
    "zipinfo": row("S1", "-12smlvhtTzZ", "read*", hook=_unzip),
    **dict.fromkeys("gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd lz4".split(), _GZIP),
    "7z": custom(_seven),
    "ar": custom(_ar),
    "cpio": custom(_cpio),
}
