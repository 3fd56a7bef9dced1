"""What goes out and what is given: records, messages, selection, files."""
