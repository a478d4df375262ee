"""What `generate.py` is made of: readers of spec/, checks on it, and one renderer a generated file."""
