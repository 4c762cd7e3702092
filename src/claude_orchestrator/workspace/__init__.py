"""Where work happens: git, worktrees, file locks on paths, child processes, the sandbox.

This is the one room that may assume a single host. No plan, no policy and no database comes in.
"""
