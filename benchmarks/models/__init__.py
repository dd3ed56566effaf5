"""Models of the benchmark: a recipe each, and what makes the files that it reads."""
