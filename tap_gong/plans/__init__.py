"""Plans: what a stream asks Gong for, slice by slice, and how far it has come."""
