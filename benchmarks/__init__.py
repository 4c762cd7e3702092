"""Commands that print figures; nothing here asserts a time. ``python -m benchmarks`` runs all of them."""
