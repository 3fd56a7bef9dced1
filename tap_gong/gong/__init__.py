"""Gong's API: how it is asked, and what it answers. Nothing here knows Singer."""
