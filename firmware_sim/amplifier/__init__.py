"""The amplifier board without the board: its behaviour, and two ways to reach it."""
