"""The cheat corpus: what agents do instead of the task, and honest work, as changes of three small projects.

``projects`` holds the projects as they are when all is well. ``cheats`` and ``honest`` hold classes of changes: each
class is a function from a project to changes, made by rule (:mod:`corpus.trees` has the tools). A case is a base and
a head with what its author declares and claims; :mod:`corpus.repositories` writes the cases into git.

The classes are written from what agents do, never from what the verifier looks for. Nothing here imports the verifier.
"""
