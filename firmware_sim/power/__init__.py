"""Power cuts: a process is killed, and with it goes everything that it had not brought to the disk."""
