"""Is it honest with its judges: tests weakened, findings silenced, answers special-cased, the harness touched.

Everything here reads code and runs none.
"""
