"""Claude Code as an agent: one session for each attempt, with gates in front of every call of a tool."""
