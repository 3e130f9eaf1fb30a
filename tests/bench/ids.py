"""Ids of the data, numbered, so that a load generator can name any of them."""

PLATFORM, INTEGRATION = "mindcloud", "int_abc123"


def end_user_id(number: int) -> str:
    return f"enduser_bench_{number}"


def installation_id(number: int) -> str:
    return f"install_bench_{number}"


def resource_id(number: int) -> str:
    return f"2686c96868emyj61cgt2{number:09d}"


def value(number: int) -> str:
    """Name the value that an exchange for this installation is answered with."""
    return f"value-of-installation-{number}"
