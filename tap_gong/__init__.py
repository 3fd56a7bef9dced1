"""A Singer tap for Gong's public API."""
