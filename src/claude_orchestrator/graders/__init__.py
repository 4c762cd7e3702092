"""Is it good: each grader looks at a candidate tree and at its base, and returns what is new.

What comes in: trees, a declared scope, an interpreter. What goes out: findings with stable fingerprints
and the commands that found them. Graders never decide about a task and never know who wrote the change;
no plan, no database and no report of an agent comes in here.
"""
