"""Many stations in one process: the real station program on edges that cost next to nothing."""
