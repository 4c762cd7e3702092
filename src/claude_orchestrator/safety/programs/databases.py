"""Database clients: what is sent to them (B3), everything else about a database (A11)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Program, Run, custom
from claude_orchestrator.safety.programs.network import sends
from claude_orchestrator.safety.statements import destroys_database
from claude_orchestrator.safety.values import show, taints

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_REDIS = frozenset(("redis-cli", "valkey-cli"))
_REDIS_VALUES = frozenset("-h -p -a -n -u -s -t -i -r --user --pass --cacert --cert --key --sni -X -D".split())
_REDIS_CODE = frozenset(("--eval", "-x"))
_REDIS_KEYS = frozenset(
    "get set del exists type ttl expire incr decr keys scan hget hset hgetall lrange lpush rpush sadd smembers zadd zrange"
    " mget mset append strlen unlink rename dump object".split()
)
"""Commands whose arguments are keys and values, never commands."""
_INFO_FLAGS = frozenset(("--version", "-V", "--help", "-?", "-version", "-v"))


def judge_text(walk: Walk, text: str) -> None:
    """Judge a text that a database client executes; commands of the client's own may start a shell."""
    if destroys_database(text):
        walk.emit("B3", f"destroys a database: {show(' '.join(text.split()))[:200]}")
    for found in re.finditer(
        r"(?:^|\n)\s*(?:\\!|\.shell|\.system|system)\s+([^\n]+)|\bCOPY\b.*?\bPROGRAM\s+'([^']*)'", text, re.IGNORECASE
    ):
        walk.shell_code(found[1] or found[2], what="a command of a database client")


def _value(argument: str) -> str:
    """An argument without the option that a value is glued to."""
    if argument[:2] == "--":
        return argument.partition("=")[2]
    return argument[2:] if argument[:1] == "-" else argument


def _redis_text(argv: list[str]) -> str:
    """What a Redis client executes: the command's name, and whatever else can be a command or a script."""
    index = 1
    while index < len(argv) and argv[index][:1] == "-":
        if argv[index] in _REDIS_CODE:
            return " ".join(argv[index:])
        index += 2 if argv[index] in _REDIS_VALUES else 1
    command = argv[index : index + 1]
    return command[0] if command and command[0].casefold() in _REDIS_KEYS else " ".join(argv[1:])


def _client(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) == 2 and argv[1] in _INFO_FLAGS:
        walk.emit("S2", f"{argv[0]} informs")
        return None
    judge_text(walk, _redis_text(argv) if argv[0] in _REDIS else "\n".join(_value(one) for one in argv[1:]))
    if stdin:
        judge_text(walk, stdin)
    for index, argument in enumerate(argv):
        path = ""
        if argument in ("-f", "--file", "-i") and index + 1 < len(argv):
            path = argv[index + 1]
        elif argument.startswith("--file="):
            path = argument[7:]
        if path:
            judge_text(walk, walk.read(path) or "")
    walk.emit("A11", f"uses a database: {show(' '.join(argv[:4]))}")
    sends(walk, argv, stdin, frozenset(("--sslkey", "--ssl-key", "--ssl-cert")))
    return taints(stdin) or None


def _drops(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) == 2 and argv[1] in _INFO_FLAGS:
        walk.emit("S2", f"{argv[0]} informs")
    else:
        walk.emit("B3", f"destroys a database: {show(' '.join(argv))}")
    return None


def _mysqladmin(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if "drop" in argv[1:]:
        walk.emit("B3", f"destroys a database: {show(' '.join(argv))}")
    elif len(argv) == 2 and argv[1] in _INFO_FLAGS:
        walk.emit("S2", "mysqladmin informs")
    else:
        walk.emit("A11", f"administers a database: {show(' '.join(argv))}")
    return None


_RUNS: dict[str, Run] = {"dropdb": _drops, "mysqladmin": _mysqladmin}

ROWS: dict[str, Program] = {
    name: custom(_RUNS.get(name, _client))
    for name in (
        "psql mysql mariadb mysqladmin mysqldump mysqlimport pg_dump pg_dumpall pg_restore dropdb createdb dropuser createuser sqlite3 sqlite mongosh"
        " mongo mongodump mongorestore redis-cli valkey-cli sqlcmd bq clickhouse clickhouse-client duckdb cqlsh influx snowsql sqlplus usql pgcli mycli"
        " litecli sqitch flyway liquibase cockroach vacuumdb reindexdb"
    ).split()
}
