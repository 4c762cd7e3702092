"""Code that a fix or a feature adds and that does not do its job, whatever the tests say.

Each module reads both sides of a change and knows one kind of it; ``hollow.py`` asks them all. Code that knows the
inputs of tests lives in ``answers``.
"""
