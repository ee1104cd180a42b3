"""Networks as boards on poles have them: slow, thin, lossy, half open, flapping, and lying."""
