"""Stores who may fetch a credential by an exchange, and which one."""

# Foreign keys that lead a unique constraint have no index of their own (``db_index=False``): the constraint's serves.
# More than that: on a second index, a plan that was prepared while the tables were small may settle, and then walk
# through a platform's hundred thousand installations for one of them.

from exchange.models.end_users import EndUser, UnsettledEndUser
from exchange.models.grants import Grant
from exchange.models.installations import Installation, Integration
from exchange.models.platforms import MAX_ID, WIDEST_UNSIGNED, Platform, SeenSignature
from exchange.models.refused_calls import RefusedCall

__all__ = [
    "MAX_ID",
    "WIDEST_UNSIGNED",
    "EndUser",
    "Grant",
    "Installation",
    "Integration",
    "Platform",
    "RefusedCall",
    "SeenSignature",
    "UnsettledEndUser",
]
