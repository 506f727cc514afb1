"""Mutants: the simulator made wrong in one way each, to see whether the contract suite notices."""
