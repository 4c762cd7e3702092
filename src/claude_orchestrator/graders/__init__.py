"""Is it good: each grader looks at a candidate tree and at its base, and returns what is new.

What comes in: trees, a declared scope, an interpreter, and what somebody says of the change (its kind, its author's
report, the journal of the work). What goes out: findings with stable fingerprints and the commands that found them.
Graders never decide about a task and never know who wrote the change; no plan and no database comes in here. A report
is never believed: it is compared with git, the journal and the test runs, and can only make a verdict worse.
"""
