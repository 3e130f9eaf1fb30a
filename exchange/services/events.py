"""Tells the vendor of installations (docs/events.md), in the transaction of what happened."""

from credservice.events.emit import emit, is_wanted
from exchange.models import EndUser, Installation, Integration, Platform


def discovered(installation: Installation) -> None:
    """Tell that the first exchange recorded it."""
    _tell("installation.discovered", installation)
    if installation.state == Installation.State.PENDING:
        _tell("installation.waiting_for_approval", installation)


def approved(installation: Installation) -> None:
    _tell("installation.approved", installation)


def _tell(type_: str, installation: Installation) -> None:
    if not is_wanted(type_):
        return
    end_user = installation.end_user
    emit(
        type_,
        object_type="installation",
        object_id=installation.pk,
        subject=end_user.subject,
        state=str(installation.state),
        platform=installation.platform.name,
        installation=installation.installation_id,
        integration=installation.integration.integration_id,
        end_user=end_user.end_user_id,
        external_id=end_user.external_id,
    )


def tell_examples() -> None:
    """Tell of a made-up installation: see :mod:`credservice.events.examples`."""
    installation = Installation(
        platform=Platform(name="mindcloud"),
        integration=Integration(integration_id="int_abc123"),
        end_user=EndUser(end_user_id="enduser_456def", external_id="cust-globex"),
        installation_id="install_xyz789",
        state=Installation.State.PENDING,
    )
    discovered(installation)
    installation.state = Installation.State.ACTIVE
    approved(installation)
