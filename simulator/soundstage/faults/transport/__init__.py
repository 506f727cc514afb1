"""What happens to a call on its way through the network."""
