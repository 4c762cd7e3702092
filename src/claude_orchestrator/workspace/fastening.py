"""What the stand-in of a tethered program runs: it takes hold of the lifeline and becomes the keeper.

``python -I -S fastening.py SOCKET NUMBER [hand=NAME=OTHER…] [drop=NAME…] -- COMMAND…`` connects to SOCKET, gives the
connection the descriptor NUMBER, and becomes COMMAND. The value of NAME goes into a pipe, whose number is then in the
variable OTHER; what is dropped is in the environment no more. It imports next to nothing: it starts with every program.
"""

from __future__ import annotations

import os
import socket
import sys


def main(place: str, number: int, orders: list[str], command: list[str]) -> None:
    """Connect, put the environment right, become the command."""
    lifeline = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    lifeline.connect(place)
    # From here on the connection is all that counts: nothing is left behind when everybody is killed.
    os.unlink(place)  # noqa: PTH108  (pathlib is slow to import)
    os.rmdir(os.path.dirname(place))  # noqa: PTH106, PTH120
    os.dup2(lifeline.fileno(), number)
    for order in orders:
        verb, _, name = order.partition("=")
        if verb == "hand":
            name, _, other = name.partition("=")
            hand_over(name, other)
        os.environ.pop(name, None)
    os.execv(command[0], command)  # noqa: S606  # nosec B606


def hand_over(name: str, other: str) -> None:
    """Put the value of a variable into a pipe that the command can read, and its number into another variable."""
    value = os.environ.get(name)
    if value:
        reader, writer = os.pipe()
        os.write(writer, value.encode())
        os.close(writer)
        os.set_inheritable(reader, True)
        os.environ[other] = str(reader)


if __name__ == "__main__":
    end = sys.argv.index("--")
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:end], sys.argv[end + 1 :])
