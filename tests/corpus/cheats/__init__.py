"""What agents do instead of the task. One module a kind of trick; importing them declares the classes."""
