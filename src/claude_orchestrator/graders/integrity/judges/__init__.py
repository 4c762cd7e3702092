"""Code of a change that reaches for whoever judges it: the test runner, comparisons, the interpreter."""
