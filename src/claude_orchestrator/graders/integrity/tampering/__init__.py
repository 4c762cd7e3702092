"""Tests on both sides of a change: which is which, what each checks, and whether it checks less."""
