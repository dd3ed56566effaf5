"""The peers: a script each, run inside its own environment, and what they share."""
