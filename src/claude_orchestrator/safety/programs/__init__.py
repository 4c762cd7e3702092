"""What programs do with their arguments: one table a family of programs.

Options are listed positively: an option that no table names is unknown, and an unknown option of a program that can
write or execute is rule A0. Adding a program is adding rows.
"""
