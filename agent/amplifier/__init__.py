"""The amplifier board: what switches the loudspeaker lines on, mutes them, and tells how they fare."""
