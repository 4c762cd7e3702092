"""Providers of language models: what a call costs, what it may cost, how it can fail, and whether to try now.

Nothing in here knows of tasks' work, of agents or of people's terminals; nothing heavy is imported before it is used.
"""
