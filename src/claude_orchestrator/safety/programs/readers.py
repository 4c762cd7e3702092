"""Programs that read, search, compare, count, hash or transform to standard output (S1), and what in them writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_orchestrator.safety.expansion import globbed
from claude_orchestrator.safety.programs.framework import Options, Program, custom, row
from claude_orchestrator.safety.values import DEC, NAME, NUM, SEC, STAR, UNK, has_glob, known, show, taints, unknown
from claude_orchestrator.safety.zones import secret

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_INFO = " --help --version"


def _inputs(walk: Walk, operands: list[str], stdin: str | None) -> str | None:
    """The content of the named files joined, or of standard input: known text where all of it is known."""
    if not operands:
        return stdin
    parts = [stdin if operand == "-" else walk.read(operand) for operand in operands]
    return "".join(UNK if part is None else part for part in parts)


def _cat(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    output = _inputs(walk, operands, stdin)
    walk.emit("S1", "reads files")
    if options and output is not None:
        return UNK + taints(output)
    return output


def _decodes(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """What comes out is no longer what a reader sees: the taint for B5."""
    content = _inputs(walk, operands, stdin)
    walk.emit("S1", f"{argv[0]} transforms text")
    return UNK + DEC + taints(content)


def _base64(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    content = _inputs(walk, operands, stdin)
    walk.emit("S1", f"{argv[0]} encodes or decodes")
    names = {name for name, _ in options}
    return UNK + taints(content) + (DEC if names & {"decode", "D", "d"} else "")


def _tr(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    walk.emit("S1", "transforms text")
    if len(operands) > 2:
        walk.emit("A0", "tr takes no third argument")
    # Deleting characters or squeezing them hides nothing by itself; what matters is what a shell would get.
    return UNK + DEC + taints(stdin)


def _selects(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """``head``, ``tail``, ``sort``, ``uniq``: some of the lines that come in."""
    content = _inputs(walk, operands, stdin)
    walk.emit("S1", f"{argv[0]} reads")
    if content is None or any(value and unknown(value) for _, value in options if value):
        return None if content is None else UNK + taints(content)
    if known(content) or NAME in content:
        lines = content.splitlines()
        if argv[0] in ("head", "tail") and len(lines) > 1:
            return _cut_lines(argv[0], options, content, lines)
        return content
    return UNK + taints(content)


def _cut_lines(name: str, options: Options, content: str, lines: list[str]) -> str:
    given = dict(options)
    count = given.get("lines") or given.get("#") or "10"
    if "bytes" in given or not count.isdigit():
        return UNK + taints(content)
    picked = lines[: int(count)] if name == "head" else lines[-int(count) :]
    return "".join(line + "\n" for line in picked)


def _wc(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    _inputs(walk, operands, stdin)
    walk.emit("S1", "counts")
    return NUM if not operands and len(options) == 1 else NUM + " " + NUM if len(operands) < 2 else None


def _listing(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """``ls``: the names below the folders, or the operands themselves where they are patterns."""
    names = {name for name, _ in options}
    recursive = "recursive" in names
    output = ""
    for operand in operands or ["."]:
        if recursive:
            walk.read_tree(operand)
        else:
            walk.read(operand)
        plain = operand.rstrip("/") or "/"
        if not walk.in_workspace(operand) and not ("directory" in names and known(operand)):
            output += UNK + "\n"
            continue
        pattern = not operand.isascii() or "directory" in names
        if pattern:
            output += plain + "\n"
        else:
            output += NAME + STAR + "\n"
    walk.emit("S1", "lists files")
    if names & {
        "l",
        "size",
        "inode",
        "context",
        "format",
        "o",
        "g",
        "full-time",
        "numeric-uid-gid",
        "s",
        "i",
        "Z",
        "n",
    }:
        return None
    return output


def _grep(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    rest = operands if names & {"regexp", "file", "files", "type-list"} else operands[1:]
    recursive = names & {"recursive", "dereference-recursive"} or argv[0] in ("rg", "ag", "ack")
    found = taints(stdin) if not rest else ""
    for name, value in options:
        # A search of a tree may meet a secret; one that is told to look for secrets only is a read of them.
        if (
            name in ("include", "glob", "iglob")
            and value[:1] != "!"
            and secret(walk.absolute(globbed(value)), walk.policy)
        ):
            walk.emit("A5", f"searches secrets: {show(value)}")
            found += SEC
    for path in rest:
        if path == "-":
            found += taints(stdin)
        elif recursive:
            found += taints(walk.read_tree(path))
        else:
            found += taints(walk.read(path))
    if recursive and not rest and (stdin is None or argv[0] == "grep"):
        walk.read_tree(".")
    walk.emit("S1", "searches")
    if names & {"files-with-matches", "files-without-match", "files"}:
        return _named(rest or ["."], recursive=bool(recursive))
    if names & {"count", "c"} and len(rest) <= 1 and not recursive:
        return NUM
    if not rest and stdin is not None and known(stdin) and not options and known(operands[0] if operands else UNK):
        return "".join(line + "\n" for line in stdin.splitlines() if operands[0] in line) or UNK
    if not rest and stdin is not None and NAME in stdin and not names - {"invert-match", "extended-regexp", "regexp"}:
        return stdin
    return UNK + found if found else None


def _named(paths: list[str], recursive: bool) -> str:
    """The lines of a listing of files below paths; two marks, so that it is never taken for everything in a folder."""
    if not recursive:
        return "".join(path + "\n" for path in paths)
    return "".join(
        (NAME + NAME if path in (".", "./") else path.rstrip("/") + "/" + NAME + NAME) + "\n" for path in paths
    )


def _fd(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    roots = operands[1:] or [value for name, value in options if name in ("base-directory", "search-path")] or ["."]
    for root in roots:
        walk.read_tree(root)
    walk.emit("S1", "finds files")
    return _named(roots, recursive=True)


def _fd_run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``fd``: as the row says, and ``-x``/``-X`` run a command for what is found."""
    for index, argument in enumerate(argv):
        if argument in ("-x", "-X", "--exec", "--exec-batch") and index + 1 < len(argv):
            names = _FD.run(walk, argv[:index], stdin) or NAME
            command = [part.replace("{}", names.strip()) for part in argv[index + 1 :] if part != ";"]
            if not any(part != original for part, original in zip(command, argv[index + 1 :], strict=False)):
                command.append(names.split("\n")[0])
            walk.run_argv(command)
            return None
    return _FD.run(walk, argv, stdin)


def _single(walk: Walk, operands: list[str]) -> None:
    """A glob may be several names, the second of which is written."""
    if any(has_glob(operand) for operand in operands):
        walk.emit("A0", "a pattern may be several files, the second of which is written")


def _uniq(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    _single(walk, operands)
    if len(operands) > 1:
        walk.write(operands[1])
    return _selects(walk, argv, options, operands[:1], stdin)


def _xxd(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    content = _inputs(walk, operands[:1], stdin)
    _single(walk, operands)
    if len(operands) > 1:
        walk.write(operands[1], UNK + DEC)
    walk.emit("S1", "dumps bytes")
    return UNK + taints(content) + (DEC if any(name in ("revert", "r") for name, _ in options) else "")


def _tee(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for path in operands:
        if path.startswith(("/dev/tcp/", "/dev/udp/")):
            walk.emit("A2", f"connects to {path}")
            walk.send(stdin)
        elif path != "-":
            walk.write(path, stdin, empties=stdin == "" and not options)
    walk.emit("S7", "copies its input")
    return stdin


def _names_only(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """``basename`` and ``dirname``: text in, text out."""
    walk.emit("S7", "cuts a path's text")
    if not operands:
        return None
    path = operands[0].rstrip("/") or "/"
    if not known(path) and unknown(path):
        return UNK + taints(path)
    if argv[0] == "dirname":
        return (path.rpartition("/")[0] or ("/" if path[:1] == "/" else ".")) + "\n"
    base = path.rpartition("/")[2]
    suffix = operands[1] if len(operands) > 1 else dict(options).get("suffix", "")
    return (base.removesuffix(suffix) if suffix != base else base) + "\n"


def _resolved(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """``realpath`` and ``readlink -f``: the absolute path, symbolic links unknown."""
    for operand in operands:
        walk.read(operand)
    walk.emit("S1", "resolves paths")
    if (
        len(operands) == 1
        and known(operands[0])
        and all(name in ("canonicalize", "e", "m", "f") for name, _ in options)
    ):
        return walk.absolute(operands[0]) + "\n"
    return None


def _number(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    walk.emit("S7", f"{argv[0]} prints numbers")
    if argv[0] == "seq" and all(operand.isdigit() for operand in operands) and len(operands) in (1, 2) and not options:
        start, stop = (1, int(operands[0])) if len(operands) == 1 else (int(operands[0]), int(operands[1]))
        if stop - start <= 8:
            return "".join(f"{number}\n" for number in range(start, stop + 1))
    return NUM + "\n"


def _less(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """A pager reads files; with ``+command`` or an option that writes, it does more."""
    taint = ""
    operands = False
    for argument in argv[1:]:
        if argument in ("--version", "--help", "-V", "-?"):
            continue
        if argument[:1] == "+":
            if not argument[1:].isdigit() and argument not in ("+G", "+F", "+"):
                walk.emit("A0", f"{argv[0]} starts with the command {show(argument)}")
        elif argument[:1] == "-" and len(argument) > 1:
            if not argument[1:].isalpha() or set(argument[1:]) - set("aABcCdeEfFgGiIJmMnNqQRrsSuUwWX"):
                walk.emit("A0", f"{argv[0]} has an option that is not known: {show(argument)}")
        else:
            operands = True
            taint += taints(walk.read(argument))
    if not operands:
        taint += taints(stdin)
        if stdin is not None:
            walk.emit("S1", "shows text")
            return stdin
    walk.emit("S1", "shows files")
    return UNK + taint if taint else None


def _split(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    content = _inputs(walk, operands[:1], stdin)
    _same_folder(walk, options, "additional-suffix")
    prefix = operands[1] if len(operands) > 1 else "x"
    walk.write(prefix + "aa", None if content is None else UNK + taints(content))
    return None


def _same_folder(walk: Walk, options: Options, suffix: str) -> None:
    """What ends a file's name must not lead to another folder."""
    for name, value in options:
        if name == suffix and ("/" in value or unknown(value)):
            walk.emit("A0", f"writes files whose names end with {show(value)}")


def _strings(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for operand in operands:
        if operand[:1] == "@":
            walk.emit("A0", f"takes arguments from {show(operand[1:])}")
    content = _inputs(walk, operands, stdin)
    walk.emit("S1", "searches files for text")
    return None if content is None else UNK + taints(content)


def _csplit(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    _inputs(walk, operands[:1], stdin)
    _same_folder(walk, options, "suffix-format")
    walk.write(dict(options).get("prefix", "xx") + "00")
    return None


def _du(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    for operand in operands or ["."]:
        walk.read_tree(operand)
    walk.emit("S1", "measures folders")
    return None


def _tree(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    return _du(walk, argv, options, operands, stdin)


def _diff(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    taint = taints(stdin)
    recursive = any(name in ("recursive", "r") for name, _ in options)
    for operand in operands:
        if operand != "-":
            taint += taints(walk.read_tree(operand) if recursive else walk.read(operand))
    walk.emit("S1", "compares")
    return UNK + taint if taint else None


def _cut(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    content = _inputs(walk, operands, stdin)
    walk.emit("S1", f"{argv[0]} picks columns")
    if content is not None and known(content) and content:
        return UNK + DEC
    return UNK + taints(content) if content is not None else None


def _expr(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.emit("S7", "computes")
    return None


def _dc(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.emit("A0", "dc can run commands")
    return UNK + taints("".join(argv))


def _yes(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    walk.emit("S7", "prints text")
    return " ".join(argv[1:] or ["y"]) + "\n"


_GREP = (
    "-EFGPivwxclLqsoHhnTaUzbrRIyZ -# -e,--regexp= -f,--file=read -m,--max-count= -A,--after-context="
    " -B,--before-context= -C,--context= -d,--directories= -D,--devices= --color?  --colour? --include= --exclude="
    " --exclude-from=read --exclude-dir= --label= --binary-files= -r,--recursive -R,--dereference-recursive"
    " -l,--files-with-matches -L,--files-without-match -c,--count -v,--invert-match -i,--ignore-case --no-ignore-case"
    " -w,--word-regexp -x,--line-regexp -n,--line-number -H,--with-filename -h,--no-filename -o,--only-matching"
    " -q,--quiet --silent -s,--no-messages -E,--extended-regexp -F,--fixed-strings -G,--basic-regexp -P,--perl-regexp"
    " -z,--null-data -Z,--null -b,--byte-offset -a,--text -U,--binary -T,--initial-tab --line-buffered -I -y -V,--version"
    " --help --group-separator= --no-group-separator"
)
_RG = (
    "-iSsvwxclnNoqULPFzuHIpa0. -e,--regexp= -f,--file=read -A,--after-context= -B,--before-context= -C,--context="
    " -g,--glob= --iglob= -t,--type= -T,--type-not= -m,--max-count= -M,--max-columns= -j,--threads= -d,--max-depth= -E,--encoding="
    " -r,--replace= --sort= --sortr= --color= --colors= --ignore-file=read --max-filesize= --context-separator="
    " --field-match-separator= --field-context-separator= --path-separator= --engine= --type-add= --type-clear="
    " -l,--files-with-matches --files-without-match --files --type-list -c,--count --count-matches --hidden --no-ignore"
    " --no-ignore-vcs --no-ignore-parent --no-ignore-dot --no-ignore-global -i,--ignore-case -S,--smart-case"
    " -s,--case-sensitive -v,--invert-match -w,--word-regexp -x,--line-regexp -n,--line-number -N,--no-line-number"
    " -o,--only-matching -q,--quiet -U,--multiline --multiline-dotall -L,--follow -P,--pcre2 -F,--fixed-strings"
    " -u,--unrestricted --heading --no-heading --with-filename -H -I,--no-filename --json --stats --trim --column --vimgrep"
    " -p,--pretty --passthru --null -0 --null-data --crlf -a,--text --binary --no-messages --no-config --debug --trace"
    " --one-file-system --line-buffered --block-buffered --version -V --help -h --no-require-git --max-columns-preview"
    " -b,--byte-offset --mmap --no-mmap --no-pcre2-unicode --no-unicode --pre=!A8 --pre-glob= --hostname-bin=!A8"
    " -z,--search-zip!A0"
)
_SORT = (
    "-bdfgiMhnRrVcCmsuz -k,--key= -t,--field-separator= -S,--buffer-size= -T,--temporary-directory=write -o,--output=write"
    " --compress-program=!A8 --files0-from=read!A0 --batch-size= --parallel= --random-source=read --sort= --ignore-leading-blanks"
    " --dictionary-order --ignore-case --general-numeric-sort --ignore-nonprinting --month-sort --human-numeric-sort"
    " --numeric-sort --random-sort --reverse --version-sort --check? --merge --stable --unique --zero-terminated --debug"
    " --help --version"
)
_SUM = (
    "-bctwz --binary --check --tag --text --zero --ignore-missing --quiet --status --strict -w,--warn --help --version"
)
_FD = row(
    "S1",
    "-HIuUsgFiaLp0lq1 -d,--max-depth= --min-depth= --exact-depth= -t,--type= -e,--extension= -E,--exclude= -S,--size="
    " --changed-within= --changed-before= -o,--owner= --base-directory=read --search-path=read -c,--color= -j,--threads="
    " --max-results= --format= --hidden --no-ignore --no-ignore-vcs --unrestricted --case-sensitive --ignore-case --glob"
    " --regex --fixed-strings --absolute-path -l,--list-details --follow --full-path --print0 --prune --quiet --version -V"
    " --help -h --strip-cwd-prefix? --ignore-file=read --one-file-system --path-separator= --and=",
    "text read*",
    hook=_fd,
)

_LS = row(
    "S1",
    "-aAbBcCDfFghGHkLmnNopqQrsStuUvxXZ1i -l -d,--directory -R,--recursive -I,--ignore= -T,--tabsize= -w,--width= --all"
    " --almost-all --author --escape --block-size= --ignore-backups --color? --file-type --format= --full-time"
    " --group-directories-first --no-group --human-readable --si --dereference --dereference-command-line"
    " --dereference-command-line-symlink-to-dir --hide= --hyperlink? --indicator-style= --inode --kibibytes"
    " --numeric-uid-gid --literal --hide-control-chars --show-control-chars --quote-name --quoting-style= --reverse"
    " --size --sort= --time= --time-style= --context --zero --classify? --dired" + _INFO,
    "read*",
    hook=_listing,
)


def _a_number(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """What prints one number (``make -j$(nproc)``)."""
    return NUM + "\n"


ROWS: dict[str, Program] = {
    "cat": row(
        "S1",
        "-AbeEnstTuv --show-all --number-nonblank --show-ends --number --squeeze-blank --show-tabs --show-nonprinting"
        + _INFO,
        "read*",
        hook=_cat,
    ),
    "tac": row("S1", "-br -s,--separator= --before --regex" + _INFO, "read*"),
    "nl": row(
        "S1",
        "-p -b,--body-numbering= -d,--section-delimiter= -f,--footer-numbering= -h,--header-numbering="
        " -i,--line-increment= -l,--join-blank-lines= -n,--number-format= -s,--number-separator= -v,--starting-line-number="
        " -w,--number-width= --no-renumber" + _INFO,
        "read*",
    ),
    "head": row(
        "S1",
        "-qvz -# -c,--bytes= -n,--lines= --quiet --silent --verbose --zero-terminated" + _INFO,
        "read*",
        hook=_selects,
    ),
    "tail": row(
        "S1",
        "-fFqvzr -# -c,--bytes= -n,--lines= -s,--sleep-interval= --pid= --max-unchanged-stats= --follow? --retry --quiet"
        " --silent --verbose --zero-terminated" + _INFO,
        "read*",
        hook=_selects,
    ),
    "wc": row(
        "S1",
        "-cmlLw --bytes --chars --lines --max-line-length --words --total= --files0-from=read" + _INFO,
        "read*",
        hook=_wc,
    ),
    **dict.fromkeys(("ls", "dir", "vdir"), _LS),
    "stat": row(
        "S1", "-LftxFlnqrs -c,--format= --printf= --dereference --file-system --cached= --terse" + _INFO, "read*"
    ),
    "file": row(
        "S1",
        "-bcdEhikLnNprsSvzZ0 -e,--exclude= --exclude-quiet= -F,--separator= -P,--parameter= -f,--files-from=read"
        " -m,--magic-file=!A0 -C,--compile!A4 --brief --mime --mime-type --mime-encoding --extension --apple --list"
        " --dereference --no-dereference --no-pad --keep-going --raw --special-files --print0 --uncompress --preserve-date"
        " --checking-printout --debug" + _INFO,
        "read*",
    ),
    "grep": row("S1", _GREP, "text read*", hook=_grep),
    "egrep": row("S1", _GREP, "text read*", hook=_grep),
    "fgrep": row("S1", _GREP, "text read*", hook=_grep),
    "zgrep": row("S1", _GREP, "text read*", hook=_grep),
    "rg": row("S1", _RG, "text read*", hook=_grep),
    "ag": row(
        "S1",
        "-aciLlnoQrsStuUvwz0 -A= -B= -C= -G= -m= --ignore= --hidden --nocolor --color --nogroup --group --noheading"
        " --depth= -p=read --path-to-ignore=read --stats --count -l,--files-with-matches --literal --ignore-case --column --numbers"
        " --nonumbers --python --js --ts --go --rust --java --ruby --html --css --json --yaml --vimgrep" + _INFO,
        "text read*",
        hook=_grep,
    ),
    "ack": row(
        "S1",
        "-ivwcLnhHoQ1 -A= -B= -C= -m= --type= --ignore-dir= --ignore-file= -l,--files-with-matches --nocolor --color --python"
        " --js --ruby --perl --go --rust --literal --count --sort-files --noheading --nogroup --group" + _INFO,
        "text read*",
        hook=_grep,
    ),
    "fd": custom(_fd_run, "fd"),
    "fdfind": custom(_fd_run, "fd"),
    "tree": row(
        "S1",
        "-adfghilnpqrstuvxACDFJNQSUXcs -L= -P= -I= -H= -T= -o=write --filelimit= --charset= --sort= --timefmt= --gitfile=read"
        " --infofile=read --noreport --dirsfirst --filesfirst --prune --du --si --inodes --device --gitignore --matchdirs"
        " --ignore-case --metafirst --fromfile --fflinks --info --nolinks --hintro=read --houtro=read" + _INFO,
        "read*",
        hook=_tree,
    ),
    "du": row(
        "S1",
        "-abcDHhklLmPsSxX0 -d,--max-depth= -t,--threshold= -B,--block-size= --exclude= -X,--exclude-from=read --files0-from=read"
        " --time? --time-style= --all --apparent-size --bytes --total --human-readable --si --summarize --separate-dirs"
        " --one-file-system --dereference --dereference-args --no-dereference --null --count-links --inodes -l" + _INFO,
        "read*",
        hook=_du,
    ),
    "df": row(
        "S2",
        "-ahHiklmPTv -B,--block-size= -t,--type= -x,--exclude-type= --output? --total --all --human-readable --si --inodes"
        " --local --portability --print-type --no-sync --sync" + _INFO,
        "text*",
    ),
    "diff": row(
        "S1",
        "-abBdEeiHnNpqrsTtwyZclu -# -C,--context? -U,--unified? -D,--ifdef= -F,--show-function-line= -I,--ignore-matching-lines="
        " -L,--label= -S,--starting-file= -W,--width= -x,--exclude= -X,--exclude-from=read --color? --palette= --tabsize="
        " --horizon-lines= --from-file=read --to-file=read --line-format= --old-line-format= --new-line-format="
        " --unchanged-line-format= --old-group-format= --new-group-format= --changed-group-format= --unchanged-group-format="
        " --brief --recursive --side-by-side --text --ed --rcs --normal --new-file --unidirectional-new-file --ignore-case"
        " --ignore-space-change --ignore-all-space --ignore-blank-lines --ignore-tab-expansion --ignore-trailing-space"
        " --strip-trailing-cr --minimal --speed-large-files --report-identical-files --suppress-common-lines --left-column"
        " --expand-tabs --initial-tab --show-c-function --no-dereference --suppress-blank-empty" + _INFO,
        "read*",
        hook=_diff,
    ),
    "colordiff": row(
        "S1", "-abBdeiNpqrsTtwyuc -U,--unified? -x,--exclude= --recursive --brief --side-by-side", "read*", hook=_diff
    ),
    "sdiff": row(
        "S1", "-abBdEiHlsWtw -w,--width= -o,--output=write --suppress-common-lines --diff-program=!A8", "read*"
    ),
    "diff3": row("S1", "-aAeExX3imTv --text --merge --show-all -L,--label= --diff-program=!A8", "read*"),
    "cmp": row(
        "S1",
        "-bls -i,--ignore-initial= -n,--bytes= --print-bytes --verbose --quiet --silent" + _INFO,
        "read read text text",
    ),
    "comm": row(
        "S1", "-123z --check-order --nocheck-order --output-delimiter= --total --zero-terminated" + _INFO, "read read"
    ),
    "cut": row(
        "S1",
        "-nsz -b,--bytes= -c,--characters= -d,--delimiter= -f,--fields= --output-delimiter= --complement --only-delimited"
        " --zero-terminated" + _INFO,
        "read*",
        hook=_cut,
    ),
    "paste": row("S1", "-sz -d,--delimiters= --serial --zero-terminated" + _INFO, "read*"),
    "join": row(
        "S1",
        "-iz -a= -e= -j= -o= -t= -v= -1= -2= --header --ignore-case --check-order --nocheck-order --zero-terminated"
        + _INFO,
        "read read",
    ),
    "tr": row("S1", "-cCdst --complement --delete --squeeze-repeats --truncate-set1" + _INFO, "text text", hook=_tr),
    "rev": row("S1", "-V0 --zero" + _INFO, "read*", hook=_decodes),
    "fold": row("S1", "-bs -# -w,--width= --bytes --spaces" + _INFO, "read*"),
    "fmt": row("S1", "-cstu -# -w,--width= -g,--goal= -p,--prefix= --split-only --uniform-spacing" + _INFO, "read*"),
    "expand": row("S1", "-i -t,--tabs= --initial" + _INFO, "read*"),
    "unexpand": row("S1", "-a -t,--tabs= --all --first-only" + _INFO, "read*"),
    "column": row(
        "S1",
        "-tLexnJd -s,--separator= -o,--output-separator= -c,--output-width= -N,--table-columns= -R,--table-right="
        " -H,--table-hide= -W,--table-wrap= -T,--table-truncate= -E,--table-noextreme= -O,--table-order= -n,--table-name= --json --table"
        + _INFO,
        "read*",
    ),
    "sort": row("S1", _SORT, "read*", hook=_selects),
    "uniq": row(
        "S1",
        "-cdDiuz -f,--skip-fields= -s,--skip-chars= -w,--check-chars= --group? --all-repeated? --count --repeated --ignore-case"
        " --unique --zero-terminated" + _INFO,
        "read write",
        hook=_uniq,
    ),
    "shuf": row(
        "S1",
        "-erz -i,--input-range= -n,--head-count= -o,--output=write --random-source=read --echo --repeat --zero-terminated"
        + _INFO,
        "read*",
    ),
    "tsort": row("S1", _INFO, "read*"),
    "seq": row("S7", "-w -f,--format= -s,--separator= --equal-width" + _INFO, "text*", hook=_number),
    "factor": row("S7", "-h --exponents" + _INFO, "text*", hook=_number),
    "expr": custom(_expr, "expr"),
    "numfmt": row(
        "S7",
        "-z -d,--delimiter= --field= --format= --from= --from-unit= --grouping --header? --invalid= --padding= --round= --suffix="
        " --to= --to-unit= --zero-terminated --debug" + _INFO,
        "text*",
    ),
    "basename": row("S7", "-az -s,--suffix= --multiple --zero" + _INFO, "text*", hook=_names_only, textual=True),
    "dirname": row("S7", "-z --zero" + _INFO, "text*", hook=_names_only, textual=True),
    "realpath": row(
        "S1",
        "-eLPqsmz --relative-to= --relative-base= --canonicalize-existing --canonicalize-missing --no-symlinks --strip --quiet --logical --physical --zero"
        + _INFO,
        "read*",
        hook=_resolved,
    ),
    "readlink": row(
        "S1",
        "-femnqsvz --canonicalize --canonicalize-existing --canonicalize-missing --no-newline --zero" + _INFO,
        "read*",
        hook=_resolved,
    ),
    "pathchk": row("S1", "-pP --portability" + _INFO, "text*"),
    **{
        name: row("S1", _SUM + (" -l,--length=" if name == "b2sum" else ""), "read*")
        for name in "md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum".split()
    },
    "cksum": row(
        "S1", "-a,--algorithm= -l,--length= -c,--check --raw --base64 --tag --untagged --zero -z" + _INFO, "read*"
    ),
    "sum": row("S1", "-rs --sysv" + _INFO, "read*"),
    "shasum": row("S1", "-bctpsUw0 -a,--algorithm= --check --binary --text --quiet --status --strict" + _INFO, "read*"),
    "base64": row("S1", "-D -d,--decode -i,--ignore-garbage -w,--wrap= -b= -o=write" + _INFO, "read*", hook=_base64),
    "base32": row("S1", "-d,--decode -i,--ignore-garbage -w,--wrap=" + _INFO, "read*", hook=_base64),
    "basenc": row(
        "S1",
        "-d,--decode -i,--ignore-garbage -w,--wrap= --base64 --base64url --base32 --base32hex --base16 --base2msbf --base2lsbf --z85"
        + _INFO,
        "read*",
        hook=_base64,
    ),
    "xxd": row(
        "S1",
        "-aAbCdeEipruv -r,-revert -ps -c,--cols= -g,--groupsize= -l,--len= -n,--name= -o= -s,--seek= -R=" + _INFO,
        "read write",
        hook=_xxd,
    ),
    "od": row(
        "S1",
        "-abcdfhilosvxDHILOX -A,--address-radix= -j,--skip-bytes= -N,--read-bytes= -S,--strings? -t,--format= -w,--width? --endian= --output-duplicates --traditional"
        + _INFO,
        "read*",
    ),
    "hexdump": row(
        "S1",
        "-bcCdovxX -e,--format= -f,--format-file=read -n,--length= -s,--skip= -L,--color? --canonical --no-squeezing"
        + _INFO,
        "read*",
    ),
    "hd": row("S1", "-bcCdovx -e= -n= -s=", "read*"),
    "strings": row(
        "S1",
        "-afow -n,--bytes= -t,--radix= -e,--encoding= -T,--target= -s,--output-separator= -# --all --print-file-name --include-all-whitespace"
        + _INFO,
        "read*",
        hook=_strings,
    ),
    "less": custom(_less),
    "more": custom(_less),
    "zless": custom(_less),
    "zmore": custom(_less),
    "zcat": row("S1", "-fnvltLV" + _INFO, "read*", hook=_decodes),
    "bzcat": row("S1", "-skv" + _INFO, "read*", hook=_decodes),
    "xzcat": row("S1", "-kfqv -T,--threads=" + _INFO, "read*", hook=_decodes),
    "zstdcat": row("S1", "-fqv" + _INFO, "read*", hook=_decodes),
    "lz4cat": row("S1", "-fqv" + _INFO, "read*", hook=_decodes),
    "zdiff": row("S1", "-abBcdeiNpqrsTtuwy" + _INFO, "read*"),
    "bat": row(
        "S1",
        "-pnAuS -l,--language= -r,--line-range= -H,--highlight-line= --theme= --style= --color= --decorations= --paging= --wrap= --tabs="
        " --terminal-width= -m,--map-syntax= --file-name= --plain --number --show-all --list-languages --list-themes --diff"
        " --pager=!A8" + _INFO,
        "read*",
        hook=_cat,
    ),
    "batcat": row(
        "S1",
        "-pnAu -l,--language= -r,--line-range= --style= --color= --paging= --theme= --plain --number" + _INFO,
        "read*",
        hook=_cat,
    ),
    "pr": row("S1", "-acdfFJmrtTv -# -D= -e? -h= -i? -l= -n? -N= -o= -s? -S? -w= -W=" + _INFO, "read*"),
    "look": row("S1", "-adf -t,--terminate= --alternative --alphanum --ignore-case" + _INFO, "text read"),
    "iconv": row(
        "S1", "-lcs -f,--from-code= -t,--to-code= -o,--output=write --list --silent --verbose" + _INFO, "read*"
    ),
    "split": row(
        "S4",
        "-dexu -a,--suffix-length= -b,--bytes= -C,--line-bytes= -l,--lines= -n,--number= -t,--separator= --additional-suffix="
        " --filter=exec!A8 -d,--numeric-suffixes? --hex-suffixes? --verbose --elide-empty-files --unbuffered" + _INFO,
        "read text",
        hook=_split,
    ),
    "csplit": row(
        "S4",
        "-ksz -b,--suffix-format= -f,--prefix= -n,--digits= --keep-files --quiet --silent --elide-empty-files --suppress-matched"
        + _INFO,
        "read text*",
        hook=_csplit,
    ),
    "yes": custom(_yes, "yes"),
    "tee": row("S7", "-aip -a,--append --ignore-interrupts --output-error?" + _INFO, "write*", hook=_tee),
    "nproc": row("S2", "--all --ignore=" + _INFO, what="counts processors", hook=_a_number),
    "cloc": row(
        "S1",
        "--json --csv --yaml --xml --md --quiet --by-file --by-file-by-lang --vcs= --git --exclude-dir= --exclude-ext= --include-lang="
        " --exclude-lang= --not-match-d= --not-match-f= --match-f= --match-d= --fullpath --hide-rate --sum-one --force-lang="
        " --skip-uniqueness --progress-rate= --timeout= --processes=" + _INFO,
        "read*",
    ),
    "tokei": row(
        "S1",
        "-fhCV -e,--exclude= -o,--output= -s,--sort= -t,--types= -n,--num-format= --files --hidden --no-ignore --compact"
        + _INFO,
        "read*",
    ),
    "scc": row(
        "S1",
        "-wmap -i,--include-ext= -x,--exclude-ext= -s,--sort= -f,--format= --by-file --no-cocomo --no-complexity --exclude-dir= -o,--output=write"
        + _INFO,
        "read*",
    ),
    **{
        name: row(
            "S1",
            "-1aAbBdDFgGhHiImlnrRsSTUux@ -L,--level= -s,--sort= -t,--time= -I,--ignore-glob= --color= --colour= --icons? --git"
            " --git-ignore --long --tree --all --recurse --group-directories-first --header --no-permissions --no-user --no-time"
            " --no-filesize --time-style= --oneline --reverse --only-dirs --list-dirs -d" + _INFO,
            "read*",
        )
        for name in ("eza", "exa", "lsd")
    },
    "which": row("S2", "-as --all --skip-dot --skip-tilde" + _INFO, "text*"),
    "whereis": row("S2", "-bmslu" + _INFO, "text*"),
    "bc": row("S7", "-ilqsw --mathlib --quiet --standard --warn" + _INFO, "read*", what="computes"),
    "dc": custom(_dc, "dc"),
    "cal": row("S2", "-13jmsywY -n,--months= --three --monday --sunday --julian --year" + _INFO, "text*"),
    "ncal": row("S2", "-13bCehjJMopsSwy -A= -B= -d= -m=", "text*"),
}
