"""The program on every station's board: it holds the plan and the sound, and plays on time, even alone."""

PROGRAM_VERSION = "0.1.0"
