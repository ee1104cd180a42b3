"""From an act to the boards that stations obey: in memory first, in the broker at once, on disk beside it."""
