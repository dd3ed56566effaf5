"""Models that static int8 loses by nature: a recipe each, and, where it reads files, what makes them."""
