"""The four parts and the engine that uses them: planning, delegating, supervising, verifying.

Everything that decides about a task is here; how a face shows it is not.
"""
