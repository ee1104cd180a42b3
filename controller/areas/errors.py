"""What can be wrong with an area.

NotFound      areas.unknown            Invalid   areas.name_missing · areas.name_without_letters
Conflict      areas.id_taken                     areas.unknown_zone · areas.bad_boundaries
"""

from controller.errors import NotFound


def unknown(area_id: str) -> NotFound:
    return NotFound("areas.unknown", field="area_id", area=area_id[:80])
