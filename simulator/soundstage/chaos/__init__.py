"""The chaos matrix: a command of the user's own, run once for each thing that can go wrong."""
