"""A run whose home fills up in the middle; run inside a mount namespace of its own by ``test_full_disk.py``.

    python full_disk.py ROOT SEED

The home is a tmpfs of a few megabytes, so that the disk that is full is a real one, and only ours.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from chaos_world import World

SIZE = "8m"
ROUNDS = 3


def fill(ballast: Path) -> None:
    """Write until nothing more goes on the disk."""
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def main(root: Path, seed: int) -> None:
    world = World(root, random.Random(seed))
    world.home.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(world.home)], check=True)
    world.prepare(4)
    ballast = world.home / "ballast"
    for _ in range(ROUNDS):
        mover = world.start_mover()
        time.sleep(world.chance.uniform(0.3, 1.5))  # when the disk fills up is the test's random input
        fill(ballast)
        code = mover.wait(60)
        print(f"the mover ended with {code}")
        ballast.unlink()
        if code == 0:
            break
    said = (world.root / "movers.log").read_text()
    world.finish()
    world.check()
    print("StateError" if "StateError" in said else "no StateError", "nothing lost")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
