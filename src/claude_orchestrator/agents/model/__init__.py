"""A language model as an agent, in this process: its conversation, its tools, and what can come in the way."""
