"""A small library of borrowed books, on the command line."""
