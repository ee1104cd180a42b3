"""Stations without hardware: the real station program with simulated edges."""
