"""Programs with a small language of their own: ``find``, ``xargs``, ``sed``, ``awk``, ``jq``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.expansion import globbed
from claude_orchestrator.safety.programs.framework import Options, Program, custom, row
from claude_orchestrator.safety.values import DEC, NAME, SPLIT, STAR, UNK, known, no_code, show, taints, unknown, wild
from claude_orchestrator.safety.zones import mass, secret

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_INFO = " --help --version"

# --- find -------------------------------------------------------------------------------------------------------------

_FIND_VALUE = frozenset(
    "name iname path ipath wholename iwholename regex iregex lname ilname size type xtype mtime atime ctime mmin amin cmin used"
    " user group uid gid perm links inum samefile maxdepth mindepth fstype context regextype printf newer anewer cnewer".split()
)
_FIND_PLAIN = frozenset(
    "empty readable writable executable true false nouser nogroup prune print print0 ls quit depth d daystart follow mount xdev"
    " noleaf ignore_readdir_race noignore_readdir_race not a and o or warn nowarn help version".split()
)
_FIND_READS = frozenset(("newer", "anewer", "cnewer", "samefile"))
_NO_FILTER = frozenset("type xtype mindepth maxdepth printf regextype".split())
_FIND_WRITES = {"fprint": 1, "fprint0": 1, "fls": 1, "fprintf": 2}
_FIND_RUNS = frozenset(("exec", "execdir", "ok", "okdir"))
_DELETERS = frozenset("rm unlink rmdir shred srm".split())
_SECRETIVE = re.compile(r"\.env|pem|\.key|id_rsa|id_ed|\.ssh|\.aws|credential|secret|\.netrc|\.npmrc", re.IGNORECASE)


class _Find:
    """A find expression: its roots, what it filters by, what it does."""

    def __init__(self) -> None:
        self.roots: list[str] = []
        self.filtered = False
        self.names: list[str] = []
        self.branches = 1
        self.deletes = False
        self.commands: list[list[str]] = []
        self.prints = True


def _find_parse(walk: Walk, argv: list[str]) -> _Find:
    found = _Find()
    index, end = 1, len(argv)
    while index < end and (argv[index] in ("-H", "-L", "-P") or argv[index][:2] == "-O"):
        index += 1
    while index < end and argv[index][:1] not in ("-", "(", "!", ")"):
        root = argv[index]
        if unknown(root[:1]) or SPLIT in root:
            walk.emit("A0", f"an argument of find is not known: {show(root)}")
        if root[:1] in (STAR, NAME) and found.roots:
            walk.emit("A0", "a name that a pattern finds may be a part of find's expression")
        found.roots.append(root)
        index += 1
    negated = False
    while index < end:
        token = argv[index]
        index += 1
        if token in ("(", ")", ","):
            continue
        if token in ("!", "-not"):
            negated = not negated
            continue
        name = token[1:] if token[:1] == "-" else ""
        if name in ("o", "or"):
            found.branches += 1
        elif name in _FIND_VALUE or (name[:5] == "newer" and len(name) == 7):
            if index >= end:
                walk.emit("A0", f"find's {token} has no value")
                break
            _find_test(walk, found, name, argv[index], negated)
            index += 1
        elif name in _FIND_PLAIN:
            found.filtered = found.filtered or name in (
                "empty",
                "readable",
                "writable",
                "executable",
                "nouser",
                "prune",
            )
        elif name == "delete":
            found.deletes = True
        elif name in _FIND_WRITES:
            if index < end:
                walk.write(argv[index])
            index += _FIND_WRITES[name]
        elif name in _FIND_RUNS:
            command: list[str] = []
            while index < end and argv[index] not in (";", "+"):
                command.append(argv[index])
                index += 1
            if index < end and argv[index] == "+" and (not command or command[-1] != "{}"):
                command.append("+")
            index += 1
            found.commands.append(command)
        else:
            walk.emit("A0", f"find has a part that is not known: {show(token)}")
        negated = False
    return found


def _find_test(walk: Walk, found: _Find, name: str, value: str, negated: bool) -> None:
    if unknown(value):
        if SPLIT in value:
            walk.emit("A0", f"an argument of find is not known: {show(value)}")
        found.filtered = True
        return
    if name in _FIND_READS:
        walk.read(value)
    if name not in _NO_FILTER:
        found.filtered = True
    if negated:
        return
    if name in ("name", "iname"):
        found.names.append(globbed(value.lower() if name == "iname" else value))
    elif name in ("path", "ipath", "wholename", "iwholename"):
        found.names.append(globbed(value.removeprefix("./")))
    elif name in ("regex", "iregex"):
        found.names.append(".env" if _SECRETIVE.search(value) else NAME)


def _find(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    found = _find_parse(walk, argv)
    roots = found.roots or ["."]
    if found.deletes:
        for root in roots:
            full = walk.absolute(root)
            rule = "B1" if not found.filtered and NAME not in full and mass(full, walk.place) else "A1"
            walk.emit(rule, f"deletes what it finds below {show(full)}", (full,))
    for root in roots:
        walk.read_tree(root)
    outputs = _find_outputs(found, roots)
    for command in found.commands:
        _find_run(walk, found, roots, command, outputs)
    walk.emit("S1", "finds files")
    return "".join(output + "\n" for output in outputs)


def _find_outputs(found: _Find, roots: list[str]) -> list[str]:
    """What stands for the paths that are found, once for each root and pattern."""
    tails = [NAME + "/" + name if name != NAME else NAME + NAME for name in found.names]
    if not tails or len(tails) < found.branches:
        tails.append(NAME + NAME if found.filtered else NAME)
    return [root.rstrip("/") + "/" + tail for root in roots for tail in tails]


def _find_run(walk: Walk, found: _Find, roots: list[str], command: list[str], outputs: list[str]) -> None:
    if not command:
        walk.emit("A0", "find runs nothing that is known")
        return
    if command[0].rpartition("/")[2] in _DELETERS and not found.filtered:
        for root in roots:
            if mass(walk.absolute(root), walk.place):
                walk.emit("B1", f"deletes everything below {show(walk.absolute(root))}", (walk.absolute(root),))
    for output in outputs:
        walk.run_argv([part.replace("{}", output) for part in command])


# --- xargs and parallel -----------------------------------------------------------------------------------------------


_DELIMITERS = {"\\n": "\n", "\\0": "\0", "\\t": "\t"}


def _xargs(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    given = dict(options)
    source = stdin
    if "arg-file" in given:
        source = walk.read(given["arg-file"]) or UNK
    command = operands or ["echo"]
    replace = given.get("I") or given.get("replace")
    if "i" in given or ("replace" in given and not replace):
        replace = given.get("i") or "{}"
    if source is not None and (delimiter := given.get("delimiter")):
        source = source.replace(_DELIMITERS.get(delimiter, delimiter), "\n")
    items = _items(source, lines=replace is not None or "delimiter" in given)
    if not items:
        return walk.run_argv(command)
    before = len(walk.effects)
    output = _xargs_run(walk, command, given, items, replace)
    if any(wild(item) for item in items):
        _xargs_names(walk, command, items, before)
    return output


_PURE = frozenset("cat head tail wc ls stat file grep egrep fgrep md5sum sha256sum basename dirname echo".split())


def _xargs_names(walk: Walk, command: list[str], items: list[str], before: int) -> None:
    """S11: names out of a listing of the workspace go to pure readers, or to what checks and builds (S3)."""
    mine = walk.effects[before:]
    if not all(walk.in_workspace(item) for item in items if wild(item)):
        walk.emit("A0", "gives names to a command that are not names of the workspace")
    elif command[0].rpartition("/")[2] in _PURE:
        walk.emit("S11", f"gives names of files to {command[0]}")
    elif not any(effect.rule == "S3" for effect in mine):
        walk.emit("A0", f"gives names of files to {command[0]}")


def _xargs_run(
    walk: Walk, command: list[str], given: dict[str, str], items: list[str], replace: str | None
) -> str | None:
    output: str | None = None
    if replace is not None:
        for item in items[:16]:
            output = walk.run_argv([part.replace(replace, item) for part in command])
        return output
    if "max-args" in given or "n" in given or "L" in given or "max-lines" in given:
        for item in items[:16]:
            output = walk.run_argv([*command, item])
        return output
    return walk.run_argv([*command, *items])


def _items(source: str | None, lines: bool) -> list[str]:
    """The arguments that xargs reads; one that is not known may be any number of arguments."""
    if source is None:
        return [UNK + SPLIT]
    source = source.replace("\0", "\n")
    items = [item.strip() for item in source.split("\n")] if lines else source.split()
    if not lines and known(source):
        items = [re.sub(r"\\(.)|[\"']", lambda found: found[1] or "", item) for item in items]
    return [item + SPLIT if unknown(item) else item for item in dict.fromkeys(items) if item]


def _parallel(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    items = _items(stdin, lines=True)
    command = operands
    for mark in (":::", "::::", ":::+"):
        if mark in operands:
            cut = operands.index(mark)
            command = operands[:cut]
            items = operands[cut + 1 :] if mark != "::::" else [UNK]
            break
    walk.emit("A8", "parallel runs commands")
    for item in items[:16]:
        text = " ".join(command)
        walk.run_text(
            text.replace("{}", item) if "{}" in text else f"{text} {item}" if text else item, None, "a command"
        )
    return UNK


# --- sed --------------------------------------------------------------------------------------------------------------

_ADDRESS = re.compile(r"\s*(?:\d+(?:~\d+)?|\$|\+\d+|~\d+)")


class _UnreadableError(ValueError):
    """A program in a small language that is not understood."""


def _delimited(script: str, position: int, delimiter: str) -> int:
    """The position after the next unescaped delimiter (one in brackets does not count)."""
    end = len(script)
    bracket = False
    if delimiter in "[]":
        raise _UnreadableError
    while position < end:
        character = script[position]
        if character == "\\" and not bracket:
            position += 2
            continue
        if character == "[" and not bracket and script.find("]", position + 2) > 0:
            bracket = True
            position += (
                3
                if script[position + 1 : position + 3] == "^]"
                else 2
                if script[position + 1 : position + 2] == "]"
                else 1
            )
            continue
        if bracket:
            if character == "[" and script[position + 1 : position + 2] in (":", ".", "="):
                close = script.find(script[position + 1] + "]", position + 2)
                position = close + 2 if close > 0 else position + 1
                continue
            bracket = character != "]"
        elif character == delimiter:
            return position + 1
        position += 1
    raise _UnreadableError


def _plain_end(script: str, position: int, delimiter: str) -> int:
    """The position after the next unescaped delimiter, in text where brackets mean nothing."""
    while position < len(script):
        if script[position] == "\\":
            position += 2
            continue
        if script[position] == delimiter:
            return position + 1
        position += 1
    raise _UnreadableError


def _sed_address(script: str, position: int) -> int:
    while True:
        start = position
        match = _ADDRESS.match(script, position)
        if match:
            position = match.end()
        else:
            skipped = len(script) - len(script[position:].lstrip())
            if script[skipped : skipped + 1] == "/":
                position = _delimited(script, skipped + 1, "/")
            elif script[skipped : skipped + 1] == "\\" and skipped + 1 < len(script):
                position = _delimited(script, skipped + 2, script[skipped + 1])
            else:
                return start
            while script[position : position + 1] in ("I", "M"):
                position += 1
        rest = re.compile(r"\s*,").match(script, position)
        if rest is None:
            return position
        position = rest.end()


def sed_actions(script: str) -> list[tuple[str, str]]:
    """What a sed script does beside editing: ``("r", file)``, ``("w", file)``, ``("e", command)``. Raises ValueError."""
    actions: list[tuple[str, str]] = []
    position, end = 0, len(script)
    while position < end:
        if script[position] in " \t\n;{}":
            position += 1
            continue
        if script[position] == "#":
            line = script.find("\n", position)
            position = end if line < 0 else line
            continue
        position = _sed_address(script, position)
        while position < end and script[position] in " \t!":
            position += 1
        if position >= end:
            raise _UnreadableError
        command = script[position]
        position += 1
        position = _sed_command(script, position, command, actions)
    return actions


def _rest_of_line(script: str, position: int) -> tuple[str, int]:
    line = script.find("\n", position)
    stop = len(script) if line < 0 else line
    return script[position:stop].strip(), stop


def _sed_text(script: str, position: int) -> int:
    """The position after the text of ``a``, ``i`` or ``c``: a line that ends with an escaped newline goes on."""
    if re.compile(r"[ \t]*\\[^\n]*\\\n").match(script, position):
        # Whether the first backslash belongs to the command or to the text is not the same in every sed.
        raise _UnreadableError
    while True:
        _, stop = _rest_of_line(script, position)
        line = script[position:stop]
        if stop >= len(script) or (len(line) - len(line.rstrip("\\"))) % 2 == 0:
            return stop
        position = stop + 1


def _sed_command(script: str, position: int, command: str, actions: list[tuple[str, str]]) -> int:
    if command in "{}=dDgGhHnNpPxzF":
        return position
    if command in "lLqQ":
        match = re.compile(r"\s*\d*").match(script, position)
        return match.end() if match else position
    if command in ":btT":
        match = re.compile(r"\s*[^\s;}]*").match(script, position)
        return match.end() if match else position
    if command in "aic":
        return _sed_text(script, position)
    if command in "rRwWe":
        name, stop = _rest_of_line(script, position)
        actions.append(("e" if command == "e" else command.lower(), name))
        return stop
    if command in "sy":
        delimiter = script[position : position + 1]
        if not delimiter or delimiter in "\\\n":
            raise _UnreadableError
        position = (
            _delimited(script, position + 1, delimiter)
            if command == "s"
            else _plain_end(script, position + 1, delimiter)
        )
        position = _plain_end(script, position, delimiter)
        if command == "y":
            return position
        while position < len(script) and script[position] not in " \t\n;}#":
            flag = script[position]
            position += 1
            if flag == "w":
                name, stop = _rest_of_line(script, position)
                actions.append(("w", name))
                return stop
            if flag == "e":
                actions.append(("e", ""))
            elif flag not in "gpiImM0123456789":
                raise _UnreadableError
        return position
    raise _UnreadableError


def _sed_script(walk: Walk, script: str) -> None:
    if no_code(script):
        walk.emit("A0", "sed runs a script that is not known")
        return
    try:
        actions = sed_actions(script)
    except (_UnreadableError, IndexError):
        walk.emit("A0", "sed runs a script that cannot be read")
        return
    for kind, value in actions:
        if kind == "e":
            walk.emit("A8", f"sed runs the command {value}" if value else "sed runs its text as commands")
            if value:
                walk.run_text(value, None, "a command of sed")
        elif value not in ("/dev/stdout", "/dev/stderr", "/dev/stdin"):
            if kind == "w":
                walk.emit("A9", f"sed writes {show(value)}")
                walk.write(value)
            else:
                walk.read(value)


def _backup(path: str, suffix: str) -> str:
    """Where ``sed -i`` keeps the old file: a suffix, or a pattern whose ``*`` is the file's name."""
    if "*" not in suffix:
        return path + suffix
    folder, slash, base = path.rpartition("/")
    name = suffix.replace("*", base)
    return name if "/" in suffix else folder + slash + name


def _sed(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    scripts = [value for name, value in options if name == "expression"]
    files = [value for name, value in options if name == "file"]
    for path in files:
        content = walk.content(walk.absolute(path))
        scripts.append(content if content is not None else UNK)
    if not scripts:
        if not operands:
            walk.emit("S2", "informs")
            return None
        scripts, operands = operands[:1], operands[1:]
    _sed_script(walk, "\n".join(scripts))
    in_place = [value for name, value in options if name == "in-place"]
    found = taints(stdin) if not operands else ""
    for path in operands:
        if path == "-":
            continue
        if in_place:
            walk.write(path)
            if in_place[0]:
                walk.write(_backup(path, in_place[0]))
        found += taints(walk.read(path))
    walk.emit("S1", "edits text")
    if not operands and stdin is not None and stdin and known(stdin):
        return UNK + DEC
    if not operands and stdin is not None and NAME in stdin:
        return UNK
    return UNK + found if found else None


# --- awk --------------------------------------------------------------------------------------------------------------

_AWK_TOKEN = re.compile(
    r'(?P<comment>#[^\n]*)|(?P<string>"(?:\\.|[^"\\])*")|(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\w.]*|\.\d+)'
    r"|(?P<space>[ \t\r]+|\\\n)|(?P<op>\|&|\|\||&&|>>|>=|<=|==|!=|!~|\+\+|--|[-+*/%^]=|\*\*=?|[^\w\s])|(?P<line>\n)",
    re.DOTALL,
)
_AWK_REGEX = re.compile(r"/(?:\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\\n])*\]|[^/\\\n\[])+/")


def awk_tokens(program: str) -> list[tuple[str, str]]:
    """The tokens of an awk program, regular expressions told from divisions. Raises ValueError."""
    tokens: list[tuple[str, str]] = []
    opened: list[str] = []
    condition = False
    position = 0
    while position < len(program):
        if (
            program[position] == "/"
            and tokens
            and tokens[-1][1] in _AWK_DOUBTFUL
            and _AWK_ACTS.search(program, position)
        ):
            raise _UnreadableError
        if program[position] == "/" and not _awk_divides(tokens, condition):
            match = _AWK_REGEX.match(program, position)
            if match is None:
                raise _UnreadableError
            tokens.append(("regex", match[0]))
            position = match.end()
            continue
        match = _AWK_TOKEN.match(program, position)
        if match is None:
            raise _UnreadableError
        kind = match.lastgroup or ""
        if match[0] == "(":
            opened.append(tokens[-1][1] if tokens else "")
        elif match[0] == ")":
            condition = bool(opened) and opened.pop() in ("if", "while", "for")
        if kind not in ("space", "comment"):
            tokens.append((kind, match[0]))
        position = match.end()
    return tokens


_AWK_DOUBTFUL = frozenset("++ -- length next nextfile continue break fflush close srand rand delete".split())
"""Behind these a slash divides in one awk and begins a regular expression in another."""
_AWK_ACTS = re.compile(r"[|>@]|\b(?:system|getline|ENVIRON|ARGV|ARGC|extension)\b")
_AWK_STATEMENTS = frozenset("return print printf in case else do exit".split())


def _awk_divides(tokens: list[tuple[str, str]], condition: bool) -> bool:
    """Whether a slash after these tokens divides; ``condition``: the last parenthesis closes an ``if (…)``."""
    kind, text = tokens[-1] if tokens else ("op", "")
    if text == "getline":
        raise _UnreadableError
    if text in ("++", "--"):
        # After `x++` it divides; `++ /x/` is no program.
        return len(tokens) > 1 and (tokens[-2][0] in ("name", "number", "string") or tokens[-2][1] in (")", "]"))
    if text == ")":
        return not condition
    return kind in ("number", "string") or text in ("]", "$") or (kind == "name" and text not in _AWK_STATEMENTS)


def _awk_program(walk: Walk, program: str) -> None:
    if no_code(program):
        walk.emit("A0", "awk runs a program that is not known")
        return
    try:
        tokens = awk_tokens(program)
    except _UnreadableError:
        walk.emit("A0", "awk runs a program that cannot be read")
        return
    printing, depth = False, 0
    if any(kind == "string" and text.startswith('"/inet') for kind, text in tokens):
        walk.emit("A2", "awk connects to the network")
        if any(text in ("|", "|&") and tokens[i + 1][1] == "getline" for i, (_, text) in enumerate(tokens[:-1])):
            walk.emit("B7", "awk runs the commands that it gets from the network")
    for index, (kind, text) in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else ("", "")
        previous = tokens[index - 1] if index else ("", "")
        if kind == "name":
            printing = _awk_name(walk, text, following, tokens, index) or printing
            depth = 0 if text in ("print", "printf") else depth
        elif kind == "line" or text in (";", "{", "}"):
            printing = False
        elif text in ("(", ")"):
            depth += 1 if text == "(" else -1
        elif text in ("|", "|&"):
            walk.emit("A8", "awk runs a command")
            for neighbour in (previous, following):
                if neighbour[0] == "string":
                    _awk_command(walk, neighbour[1])
        elif text == ">>" or (text == ">" and printing and depth <= 0):
            _awk_file(walk, following, writes=True)
        elif (text == "<" and previous[1] == "getline") or (
            text == "<" and index > 1 and tokens[index - 2][1] == "getline"
        ):
            _awk_file(walk, following, writes=False)
        elif text == "@":
            walk.emit("A0", "awk calls what is not known")


def _awk_name(walk: Walk, name: str, following: tuple[str, str], tokens: list[tuple[str, str]], index: int) -> bool:
    """Judge a name in an awk program; True when printing begins."""
    if name == "system":
        walk.emit("A8", "awk runs a command")
        argument = tokens[index + 2] if index + 2 < len(tokens) else ("", "")
        if argument[0] == "string":
            _awk_command(walk, argument[1])
    elif name == "ENVIRON":
        walk.emit("A5", "awk reads the environment")
    elif name in ("ARGV", "ARGC", "extension") and following[1] in ("[", "=", "("):
        walk.emit("A0", f"awk uses {name}")
    return name in ("print", "printf")


def _awk_string(literal: str) -> str:
    from claude_orchestrator.safety.programs.builtins import decoded

    return decoded(literal[1:-1])


def _awk_command(walk: Walk, literal: str) -> None:
    walk.run_text(_awk_string(literal), None, "a command of awk")


def _awk_file(walk: Walk, following: tuple[str, str], writes: bool) -> None:
    if following[0] != "string":
        walk.emit("A0", "awk uses a file whose name is not known")
        return
    path = _awk_string(following[1])
    if path in ("/dev/stderr", "/dev/stdout", "-"):
        return
    if path.startswith("/inet"):
        walk.emit("A2", f"connects to {path}")
    elif writes:
        walk.emit("A9", f"awk writes {show(path)}")
        walk.write(path)
    else:
        walk.read(path)


def _awk(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    programs = [value for name, value in options if name in ("source", "e")]
    names = {name for name, _ in options}
    if names & {"file", "f"}:
        programs.append(UNK)
    if not programs:
        if not operands:
            walk.emit("S2" if names & {"version", "help", "V"} else "A0", "awk without a program")
            return None
        programs, operands = operands[:1], operands[1:]
    for program in programs:
        _awk_program(walk, program)
    found = ""
    paths = [path for path in operands if not re.fullmatch(r"[A-Za-z_]\w*=.*", path, re.DOTALL)]
    for path in paths:
        if path != "-":
            found += taints(walk.read(path))
    if not paths:
        found += taints(stdin)
    walk.emit("S1", "computes over text")
    text = "".join(programs)
    if "%c" in text or re.search(r"\\x[0-9a-f]|\\[0-7]{3}", text) or (not paths and stdin and known(stdin)):
        found += DEC
    return UNK + found if found else None


# --- jq and yq --------------------------------------------------------------------------------------------------------

_JQ_ENV = re.compile(r'\$ENV\b|(?<![.\w$"])env\b(?!\s*:)|\$__prog')
_JQ_LOADS = re.compile(r"(?:^|;)\s*(?:import|include)\b|\b(?:get_search_list|modulemeta)\b")


def _jq_code(program: str) -> str:
    """A filter without the text of its strings; what they interpolate stays, and so does all from a comment on."""
    code: list[str] = []
    depths: list[int] = []
    text, depth, position = False, 0, 0
    while position < len(program):
        character = program[position]
        position += 1
        if character == '"':
            code.append(character)
            text = not text
        elif text:
            if character == "\\":
                if program[position : position + 1] == "(":
                    code.append("(")
                    depths.append(depth)
                    text, depth = False, 0
                position += 1
        elif character == "#":
            return "".join(code) + program[position:]
        elif character == ")" and depth == 0 and depths:
            code.append(character)
            text, depth = True, depths.pop()
        else:
            depth += (character == "(") - (character == ")")
            code.append(character)
    return "".join(code)


def _jq(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """``jq``: some options take two values, which no row can say."""
    plain, index = [argv[0]], 1
    found, texts = "", 0
    while index < len(argv):
        argument = argv[index]
        index += 1
        if argument in ("--arg", "--argjson"):
            index += 2
        elif argument in ("--slurpfile", "--rawfile", "--argfile"):
            if index + 1 < len(argv):
                found += taints(walk.read(argv[index + 1]))
            index += 2
        elif argument in ("--args", "--jsonargs"):
            texts = texts or len(plain)
        else:
            plain.append(argument)
    options, operands, _ = _JQ.parse(walk, plain)
    names = {name for name, _ in options}
    filters = operands[:1]
    paths = operands[1:]
    if "from-file" in names:
        filters, paths = [], operands
    if texts:
        # The files are those that stand before `--args`.
        paths = _JQ.parse(walk, plain[:texts])[1][0 if "from-file" in names else 1 :]
    for program in filters:
        text = _jq_code(program) if not no_code(program) else program
        if no_code(text):
            walk.emit("A0", "jq runs a filter that is not known")
        elif _JQ_ENV.search(text):
            walk.emit("A5", "jq reads the environment")
            found += "\U000f0009"
        elif _JQ_LOADS.search(text):
            walk.emit("A0", "jq loads another file")
        if "@base64d" in text or "implode" in text:
            found += DEC
    for path in paths:
        found += taints(walk.read(path))
    if not paths and "null-input" not in names:
        found += taints(stdin)
    walk.emit("S1", "filters JSON")
    return UNK + found if found else None


_YQ_READS = re.compile(rf"{_JQ_ENV.pattern}|\b(?:strenv|envsubst)\b")
_YQ_LOADS = re.compile(r"\b(?:load\w*|system|eval)\s*\(")


def _yq(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    names = {name for name, _ in options}
    if operands[:1] and operands[0] in ("e", "eval", "ea", "eval-all"):
        operands = operands[1:]
    if operands and (len(operands) > 1 or not re.search(r"\.ya?ml$|\.json$|\.toml$", operands[0])):
        text, operands = operands[0], operands[1:]
        if no_code(text) or _YQ_LOADS.search(text):
            walk.emit("A0", "yq runs an expression that is not known or loads a file")
        elif _YQ_READS.search(text):
            walk.emit("A5", "yq reads the environment")
        if not operands and secret(walk.absolute(text), walk.policy):
            # One word is a file if there is one of that name.
            operands = [text]
    found = ""
    for path in operands:
        found += taints(walk.read(path))
        if "inplace" in names or "in-place" in names:
            walk.write(path)
    if "split-exp" in names:
        walk.emit("A0", "yq writes files whose names are not known")
    walk.emit("S1", "filters YAML")
    return UNK + found + (taints(stdin) if not operands else "")


_SED = row(
    "S1",
    "-nErsuz -e,--expression= -f,--file=read -E,-r,--regexp-extended -i,--in-place? -l,--line-length= -n,--quiet --silent --posix"
    " --debug --follow-symlinks --sandbox --null-data --separate --unbuffered -b,--binary" + _INFO,
    "text read*",
    hook=_sed,
)
_AWK = row(
    "S1",
    "-bcCOPrtVhSMN -F,--field-separator= -v,--assign= -f,--file=read -i,--include=!A0 -l,--load=!A0 -e,--source= -E,--exec=!A0"
    " --re-interval --posix --traditional --sandbox --characters-as-bytes --lint? --csv -k -o?!A4 -d?!A4 -p?!A4 -D?!A0"
    + _INFO,
    "text read*",
    hook=_awk,
    style="posix",
)
_JQ = row(
    "S1",
    "-nrcsSejaRCMh -n,--null-input -f,--from-file=read!A0 -L,--library-path=!A0 --indent= --tab --stream --stream-errors --seq --raw-output"
    " --raw-output0 --compact-output --slurp --sort-keys --exit-status --join-output --ascii-output --raw-input --color-output"
    " --monochrome-output --unbuffered --build-configuration -V" + _INFO,
    "text read*",
)
_JQ.compile("jq")
_XARGS = row(
    "S1",
    "-0rtx -p -a,--arg-file=read -d,--delimiter= -E= -e? -I= -i? -L= -l? -n,--max-args= -P,--max-procs= -s,--max-chars= --null"
    " --no-run-if-empty --verbose --interactive --eof? --replace? --max-lines? --show-limits --exit --process-slot-var=!A10"
    + _INFO,
    "text*",
    hook=_xargs,
    style="posix",
)

ROWS: dict[str, Program] = {
    "find": custom(_find),
    "xargs": _XARGS,
    "parallel": row(
        "A8",
        "-kuX0 -j,--jobs= -n= -N= -I= --dry-run --bar --eta --progress --halt= --tag --joblog=write --results=write --will-cite"
        " --line-buffer --colsep= -a,--arg-file=read -S,--sshlogin=!A2 --retries= --timeout= --delay= --no-notice"
        + _INFO,
        "text*",
        hook=_parallel,
        style="posix",
    ),
    "sed": _SED,
    "gsed": _SED,
    "awk": _AWK,
    "gawk": _AWK,
    "mawk": _AWK,
    "nawk": _AWK,
    "jq": custom(_jq),
    "yq": row(
        "S1",
        "-rPnNCMejyYscv -i,--inplace --in-place -o,--output-format= -p,--input-format= -I,--indent= -s,--split-exp= --null-input --prettyPrint"
        " --no-doc --colors --no-colors --exit-status --unwrapScalar? --yaml-output --raw-output --tojson --from-file=!A0 -V"
        + _INFO,
        "text*",
        hook=_yq,
    ),
}
