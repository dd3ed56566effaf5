"""Several runs side by side: a pure view, a page, a table for the terminal."""
