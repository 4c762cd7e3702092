"""The one truth: rows in one SQLite database, changed only through transactions.

``database.py`` owns the connection, transactions and migrations; every other module holds the
transaction functions of one noun: they take a transaction and plain values and return plain values.
No process, no git and no clock decides anything here: times come in as arguments.
"""
