"""Whether a change speaks of things that exist: imports, arguments, paths, and what its author says of it.

Everything here reads code and runs none.
"""
