"""What the station program costs a board."""
