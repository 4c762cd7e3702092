"""What is to be done: the plan model, plan files in YAML, and the store of plan versions.

Nothing here knows how a plan is carried out.
"""
