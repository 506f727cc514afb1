"""Stores: universes as ordered dictionaries with a log. They differ only in where the log lives."""
