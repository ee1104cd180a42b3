"""Whether the loudspeaker can be heard: the station listens to itself, and measures its lines."""
