"""The fields of grassroots information, in the order of the state's own list (LoaiLinhVuc 1 to 6)."""

from enum import StrEnum


class Category(StrEnum):
    GENERAL = "general"
    URGENT = "urgent"
    PARTY_STATE_POLICY_LAW = "party_state_policy_law"
    LOCAL_DIRECTION = "local_direction"
    SCIENCE_ECONOMY_CULTURE_SOCIETY = "science_economy_culture_society"
    GOOD_EXAMPLES = "good_examples"
