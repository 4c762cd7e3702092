"""Bash as a tree: the only authority on the structure of a command line.

Fails closed: what the parser does not support raises ShellSyntaxError and is never guessed. Nothing is expanded,
judged or run here.
"""
