"""May it be done: every operation that an agent wants gets a verdict here, before anything happens.

Pure judgement: nothing here performs, records or asks anybody. No agent and no state comes in.
"""
