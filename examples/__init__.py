"""Programs in assembly to learn from, and tests that they give their answers."""
