"""What sets a target up for a check: keys, balances, failures and time, which no provider's client can command."""
