"""The program on every station's board: it holds the plan and the sound, and plays on time, even alone."""

import sys

PROGRAM_VERSION = "0.1.0"

# httpx has a command line of its own and does without it where it cannot be imported: 80 modules for colours
# and help pages, 4 MB on a board that has 512.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
