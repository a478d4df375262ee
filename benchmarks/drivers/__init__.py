"""Programs that run the measured programs for one contender each, in a process of their own.

A driver reads lines `program argument` and answers each with a line: an integer in decimal, or a float in hexadecimal
as C's `%a` writes it, which loses no bit.
"""
