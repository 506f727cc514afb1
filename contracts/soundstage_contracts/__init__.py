"""The contract suite: tells whether any implementation, real or fake, keeps a provider's contract."""
