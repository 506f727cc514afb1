"""Tasks that take another course than planned."""
