"""ISO 8601: one reading everywhere, and it sorts as it is written."""

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i:s \\U\\T\\C"
