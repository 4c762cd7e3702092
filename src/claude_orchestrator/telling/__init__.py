"""What is so, in plain words and as documents: one telling for every face.

What comes in: rows and documents of the layers below. What goes out: short texts without colour or layout, and plain
values for JSON. Nothing is decided here, nothing is written, and no terminal, web page or protocol comes in.
"""
