"""Streamed replies that break."""
