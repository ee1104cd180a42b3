"""What a technician on the spot can ask of the board: how it is, and a test that can be heard."""
