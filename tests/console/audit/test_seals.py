"""Shows the batches that seal the audit log."""

from credservice.audit.models import AuditSeal
from tests.support.pages import url


def test_a_batch_has_a_page(console, chain):
    chain(2)
    seal = AuditSeal.objects.get()
    assert bytes(seal.head).hex() in console.get(url(seal)).content.decode()
    assert console.get(url(AuditSeal, "changelist"), {"q": "1"}).context["cl"].result_list == [seal]
