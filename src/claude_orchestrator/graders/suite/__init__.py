"""Tests: several runs of the project's suite, each believed through its own log, compared test by test."""
