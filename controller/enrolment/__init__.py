"""Boards become stations: a technician makes a code, the board trades it for its identity."""
