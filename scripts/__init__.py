"""What people run on a checkout; no part of the tap."""
