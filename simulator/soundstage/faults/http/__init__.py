"""Replies that are wrong as HTTP, or in their content."""
