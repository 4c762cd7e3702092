"""Honest work of every kind. Importing the modules declares the classes; all of it has to pass."""
