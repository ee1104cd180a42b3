"""A plain page on the local network: how the station is, and two tests for whoever knows the PIN."""
