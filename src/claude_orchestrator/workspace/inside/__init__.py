"""What the keeper needs inside the walls: system calls, mounts, Landlock, the watch over limits.

It starts with every command, so nothing here imports anything that is slow, or anything from outside this folder.
"""
