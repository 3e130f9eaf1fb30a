"""Keeps data keys, wrapped, and the fingerprints of the key-encryption keys that this database has seen."""

from django.db import models


class KekFingerprint(models.Model):
    """The key that a KEK id stood for when it was first used here: tells a wrong key from a changed row."""

    kek_id = models.CharField(primary_key=True, max_length=64)
    fingerprint = models.CharField(max_length=16)
    first_used_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "key fingerprint"

    def __str__(self) -> str:
        return f"{self.kek_id} ({self.fingerprint})"


class DataKey(models.Model):
    """A data-encryption key, wrapped by a KEK. Rows are never deleted: sealed values name them."""

    class Purpose(models.TextChoices):
        VALUES = "values", "Sealed values"
        # Of those whose place says more than their row. Its first key is made with an empty database, or by
        # ``bind_sealed`` where a version has sealed that knew no such places.
        BOUND = "bound", "Sealed values, bound to whose they are"
        DIGESTS = "digests", "Look-up and audit digests"

    purpose = models.CharField(max_length=16, choices=Purpose)
    kek_id = models.CharField(max_length=64)
    wrapped = models.BinaryField()
    is_current = models.BooleanField(default=True)
    # Counted in steps by the sealing processes; an estimate, see credservice.crypto.store.
    uses = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["purpose"], condition=models.Q(is_current=True), name="crypto_datakey_one_current"
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"

    def context(self) -> bytes:
        """Return what the wrapped key is bound to: it cannot serve another purpose, nor stand in another row."""
        return f"credservice/data-key/{self.purpose}/{self.pk}".encode()
