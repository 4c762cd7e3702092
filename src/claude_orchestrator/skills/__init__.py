"""How it is done here: ``SKILL.md`` files of the project, of the user and of ours, and which of them fit a task.

What comes in: folders and a task's definition. What goes out: skills with their text, and why each was chosen. A skill
is advice for an agent's prompt: nothing in it is executed here, and nothing in it changes what an agent may do. No
database and no model comes in here; the same files and the same task always give the same skills.
"""
