"""Who does the work: the agent protocol, the agents, and the detached runner that holds one launch of one.

An agent knows its assignment and its host, nothing of plans, runs or other tasks; whether its work is any
good is decided elsewhere.
"""
