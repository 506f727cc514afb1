"""Prices, charges and refunds that do not add up."""
