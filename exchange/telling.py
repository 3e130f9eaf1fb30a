"""What the vendor is told of installations (docs/events.md), each in the transaction of what happened."""

from credservice.events.emit import emit, is_wanted
from exchange.models import Installation


def discovered(installation: Installation) -> None:
    """The first exchange recorded it."""
    tell("installation.discovered", installation)
    if installation.state == Installation.State.PENDING:
        tell("installation.waiting_for_approval", installation)


def approved(installation: Installation) -> None:
    tell("installation.approved", installation)


def tell(type_: str, installation: Installation) -> None:
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
