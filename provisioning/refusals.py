"""Names why a service refuses, in codes that each protocol maps to its own statuses and bodies."""

UNDER_WAY = "under_way"  # something else is being done with it: the same request may succeed after that
OTHER_ATTRIBUTES = "other_attributes"  # the id is known, with something else behind it
REMOVED = "removed"  # the id was used, and is not used again
NOT_OFFERED = "not_offered"  # the catalogue has no such product, plan, region or feature
NOT_CHANGEABLE = "not_changeable"  # the plan does not lead to that one
SUSPENDED = "suspended"
ONE_ONLY = "one_only"  # one live credential is all that the resource may have
