"""Code that answers what the tests ask instead of computing it."""
