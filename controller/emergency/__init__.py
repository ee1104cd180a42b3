"""Emergency alerts: composing, pressing, the boards that stations obey, and who heard what."""
