"""The `soundstage verify` command: what it is told, what it is pointed at, the run, and what a person sees of it."""
