"""Keeps credentials."""

import uuid
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import cached_property

from credservice.credentials.models.policies import CredentialPolicy
from credservice.crypto import Place, unseal_values
from credservice.crypto.fields import SealedField, place_of

STUCK_AFTER = 5  # failed attempts
FAILS_AFTER = 2  # attempts: one alone may be a hiccup
LEAKED = "leaked, "  # begins the word for its state
LEAKED_WITH = "credential:"  # begins its reporter, with the id of that one of another line that was reported
OWN_END = "own_end"  # in a handle: when the issuer lets it expire, if later than we do; empty: never


def stuck(attempts: int = STUCK_AFTER) -> models.Q:
    """Find what has failed so often of what is being made or ended, both of which are few and have an index."""
    under_way = models.Q(state="pending") | models.Q(state="retiring", retires_at__lte=timezone.now())
    return under_way & models.Q(attempts__gte=attempts)


class CredentialQuerySet(models.QuerySet["Credential"]):
    def unended(self) -> "CredentialQuerySet":
        """Keep those that work, or may yet."""
        return self.filter(state__in=Credential.UNENDED)

    def lacking_values(self) -> "CredentialQuerySet":
        """Keep those that are handed out without a value of their policy: made before that had its name.

        Found by when they were activated: nothing is unsealed. Few retire, and each of the two is found by an index of
        its own.
        """
        active = models.Q(state="active")
        lacking = models.Q(pk__in=[])
        for policy in CredentialPolicy.objects.exclude(earlier_names=[]):
            for since, until, _ in policy.gains():
                made = models.Q(policy=policy, activated_at__lt=until)
                made &= models.Q(activated_at__gte=since) if since else models.Q()
                lacking |= (made & active) | (made & last_retiring())
        return self.filter(lacking)

    def usable(self) -> "CredentialQuerySet":
        """Keep those that may be handed out now, as ``Credential.is_usable`` tells."""
        now = timezone.now()
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=now)
        unretired = models.Q(retires_at=None) | models.Q(retires_at__gt=now)
        return self.filter(unexpired, unretired, state__in=Credential.USABLE, sealed_values__isnull=False)

    def in_use(self) -> "CredentialQuerySet":
        """Keep those that may still work outside, with a value that a good version of their line has too."""
        return self.filter(models.Exists(_holders()), outside__in=Credential.UNCONFIRMED)

    def with_use(self) -> "CredentialQuerySet":
        """Find ``Credential.shared_with`` of all of these at once."""
        left = models.When(outside__in=Credential.UNCONFIRMED, then=models.Subquery(_holders().values("pk")[:1]))
        found = {"shared_with": models.Case(left, output_field=models.UUIDField())}
        return self.annotate(**found)

    def sharing(self, credential: "Credential") -> "CredentialQuerySet":
        """Keep the other versions of its line that have a value of this one, by their digests as they are now."""
        its = Credential.objects.filter(pk=credential.pk).values("value_digests")
        found = self.filter(line=credential.line, value_digests__overlap=models.Subquery(its))
        return found.exclude(pk=credential.pk).select_related("policy")

    def with_any(self, digests: Iterable[bytes]) -> "CredentialQuerySet":
        """Keep those that have a value of these digests, newest first: in no order, but with a bound, PostgreSQL would
        rather read the whole table."""
        return self.filter(value_digests__overlap=[*digests]).order_by("-activated_at").select_related("policy")

    def lock_one(self, credential: "Credential", *, with_line: bool = False) -> "Credential":
        """Read the row as it is now, locked until the transaction ends; ``with_line``, where what becomes of it touches
        or hangs on others of its line, with all of these: the oldest first, as everybody locks them.

        Who may want the line later wants it at once: after one row alone, an older one would be out of order.
        """
        if with_line:
            self.lock_line(credential.line)
        return self.select_for_update(of=("self",)).select_related("policy").get(pk=credential.pk)

    def lock_line(self, line: uuid.UUID) -> None:
        """Lock a line of successors: its first row, which stands for all that have ended, however many, and those that
        have not."""
        self.filter(pk=line).lock()
        self.unended().filter(line=line).lock()

    def lock(self) -> "list[Credential]":
        """Lock these until the transaction ends: a line's oldest first, the order that everybody keeps who locks
        several, so that two who meet wait for each other only one way."""
        ordered = self.select_for_update(of=("self",)).order_by("line", "created_at", "pk")
        # Each statement may wait for a rotation, whose successor only the next statement sees.
        locked: list[uuid.UUID] = []
        found = list(ordered.values_list("pk", flat=True))
        rows: list[Credential] = []
        while locked != found:
            rows = list(ordered.all())
            locked, found = found, [row.pk for row in rows]
        return rows


def _holders() -> CredentialQuerySet:
    """Find, for an ended credential of an outer query, the good versions of its line that have a value of it."""
    same = {"line": models.OuterRef("line"), "value_digests__overlap": models.OuterRef("value_digests")}
    return Credential.objects.usable().filter(**same).order_by("state", "-created_at")


def last_retiring() -> models.Q:
    """Find those that retire and are handed out, because what came after them has ended: their line goes on from
    them."""
    retires = models.Q(
        models.Q(expires_at=None) | models.Q(expires_at__gt=Now()), state="retiring", retires_at__gt=Now()
    )
    line = Credential.objects.filter(line=models.OuterRef("line"))
    newer = line.filter(retires, created_at__gt=models.OuterRef("created_at"))
    return retires & ~models.Exists(line.filter(state="active")) & ~models.Exists(newer)


class Credential(models.Model):
    """A set of named values made by an issuer: sealed, with a state, an expiry and a predecessor.

    The successors of a credential share its ``line``, the id of the first one; at most one of a line is active. So
    whoever is granted a line always gets its newest credential.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        ACTIVE = "active"
        RETIRING = "retiring"
        REVOKED = "revoked"
        FAILED = "failed"
        EXPIRED = "expired"

    class Outside(models.TextChoices):
        """Says what is left outside, where the end here does not reach: with the vendor's own product, mostly."""

        OPEN = "open", "ended here, and may still work outside"
        LEAKED = "leaked", "leaked, ended here, and may still work outside"
        CONFIRMED = "confirmed", "ended outside, as somebody confirmed"
        FORCED = "forced", "ended by force: its issuer never confirmed it"

    UNENDED = (State.PENDING, State.ACTIVE, State.RETIRING)
    USABLE = (State.ACTIVE, State.RETIRING)
    STILL_OUTSIDE = (Outside.OPEN, Outside.LEAKED)
    UNCONFIRMED = (*STILL_OUTSIDE, Outside.FORCED)  # what a person should end outside, and then confirm

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    policy = models.ForeignKey(CredentialPolicy, on_delete=models.PROTECT, related_name="credentials")
    line = models.UUIDField(editable=False, help_text="The id of the first credential of this line of successors.")
    predecessor = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="successors", editable=False
    )
    predecessor_overlap = models.DurationField(
        null=True, editable=False, help_text="How long the predecessor stays good after this; empty: the policy's."
    )
    state = models.CharField(max_length=16, choices=State, default=State.PENDING)
    sealed_values = SealedField(null=True, bound_to=("subject",))
    subject = models.CharField(max_length=255, blank=True, help_text="Whose it is: end_user:... or resource:...")
    suspended = models.BooleanField(default=False, help_text="Its subject is suspended: it is no good while so.")
    context = models.JSONField(default=dict, help_text="What it was made for; given to the issuer. No secrets.")
    handle = models.JSONField(default=dict, help_text="What the issuer needs to revoke it. No secrets.")
    lookup = models.BinaryField(null=True, unique=True, max_length=36, editable=False)
    value_digests = ArrayField(models.BinaryField(max_length=36), default=list, editable=False)
    hint = models.CharField(max_length=64, blank=True)
    failure = models.CharField(max_length=255, blank=True, help_text="Why it could not be made or ended.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)  # before its values: it is made here
    activated_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    refresh_at = models.DateTimeField(null=True, help_text="From then on, a hand-out makes a successor first.")
    rotates_at = models.DateTimeField(null=True, help_text="The worker rotates it then.")
    retires_at = models.DateTimeField(null=True, help_text="A retiring credential is revoked then.")
    ended_at = models.DateTimeField(null=True)
    outside = models.CharField(
        max_length=16,
        choices=Outside,
        blank=True,
        default="",
        db_default="",
        help_text="What may be left of it outside after its end; empty: nothing.",
    )
    leaked_at = models.DateTimeField(null=True, editable=False, help_text="When it was reported as leaked.")
    leaked_by = models.CharField(
        max_length=255,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Who reported that; credential:ID where that of another line was, which has a secret of it.",
    )
    attempts = models.PositiveIntegerField(default=0, help_text="Failed attempts of the step that is under way.")
    next_attempt_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="When it was last checked; to the minute.")

    objects = CredentialQuerySet.as_manager()
    made: Mapping[str, str] | None = None  # its values, where this instance is the one that was just made
    followed_by: Mapping[str, str] | None = None  # its successor's, where this instance is replaced just now

    class Meta:
        permissions = [
            ("reveal_credential", "Can reveal the values of a credential"),
            ("rotate_credential", "Can rotate a credential, or replace its values"),
            ("revoke_credential", "Can revoke a credential"),
            ("force_credential", "Can force the end of a stuck credential"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["line"], condition=models.Q(state="active"), name="credentials_one_active_of_a_line"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="active") | models.Q(sealed_values__isnull=False),
                name="credentials_active_has_values",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="retiring") | models.Q(retires_at__isnull=False),
                name="credentials_retiring_has_end",
            ),
        ]
        indexes = [
            models.Index(fields=["line"], name="credentials_line"),
            models.Index(fields=["subject"], name="credentials_subject"),
            models.Index(
                fields=["expires_at"], condition=models.Q(state__in=["active", "retiring"]), name="credentials_expiry"
            ),
            models.Index(fields=["retires_at"], condition=models.Q(state="retiring"), name="credentials_retiring"),
            models.Index(fields=["created_at"], condition=models.Q(state="pending"), name="credentials_pending"),
            models.Index(fields=["rotates_at"], condition=models.Q(state="active"), name="credentials_rotation"),
            # Of those that have ended, the ones whose values are still there.
            models.Index(
                fields=["ended_at"],
                condition=models.Q(ended_at__isnull=False, sealed_values__isnull=False),
                name="credentials_to_erase",
            ),
            GinIndex(fields=["value_digests"], name="credentials_value_digests"),
            # Of the few that have leaked: an import looks for a thousand at once.
            GinIndex(
                fields=["value_digests"],
                condition=models.Q(leaked_at__isnull=False),
                fastupdate=False,
                name="credentials_leaked_digests",
            ),
            # What a person should end outside, or has called ended.
            models.Index(
                fields=["outside", "created_at"],
                condition=models.Q(outside__in=["open", "leaked", "forced"]),
                name="credentials_left_outside",
            ),
            # Those that have leaked and are handed out, for want of a successor; and the few of them that retire.
            models.Index(
                fields=["leaked_at"],
                condition=models.Q(state="active", leaked_at__isnull=False),
                name="credentials_leaked_live",
            ),
            models.Index(
                fields=["leaked_at"],
                condition=models.Q(state="retiring", leaked_at__isnull=False),
                name="credentials_leaked_retiring",
            ),
            # Those that were made before their policy had a value.
            models.Index(
                fields=["policy", "activated_at"],
                condition=models.Q(state="active"),
                name="credentials_older_than_names",
            ),
            # For the console's lists: newest first, by a state that few are in, by a hint.
            models.Index(fields=["created_at", "id"], name="credentials_newest"),
            models.Index(
                fields=["state", "created_at"],
                condition=models.Q(state__in=["pending", "retiring", "failed", "expired"]),
                name="credentials_by_rare_state",
            ),
            # Whole, and by how it begins. Not partial: that a beginning is not empty, PostgreSQL cannot prove.
            models.Index(OpClass("hint", name="text_pattern_ops"), name="credentials_hint_beginning"),
        ]

    def __str__(self) -> str:
        return f"{self.hint or f'credential {str(self.pk)[:8]}'} ({self.state_word()})"

    def version_name(self) -> str:
        """Name it so that it can be told from the others of its line."""
        return self.hint or f"{self.policy} {str(self.pk)[:8]}"

    @property
    def audit_facts(self) -> dict[str, object]:
        return {"policy": self.policy.name, "hint": self.hint} | ({"leaked": True} if self.leaked_at else {})

    @property
    def place(self) -> Place:
        return place_of(self, "sealed_values")

    def open(self) -> dict[str, str]:
        """Open the named values. Raises :class:`credservice.crypto.SealError`."""
        if self.made is not None:
            return dict(self.made)
        return unseal_values(bytes(self.sealed_values or b""), self.place)

    def is_erased(self) -> bool:
        """Tell if it had values, which were erased after its end."""
        return self.sealed_values is None and self.activated_at is not None

    def is_usable(self) -> bool:
        """Tell if it may be handed out now: live, and neither expired nor past its retirement."""
        now = timezone.now()
        ends = [end for end in (self.expires_at, self.retires_at) if end is not None]
        return self.state in self.USABLE and self.sealed_values is not None and all(now < end for end in ends)

    @classmethod
    def sealed_in_handles(cls) -> Iterator[tuple[Place, bytes]]:
        """List what issuers keep sealed in ``handle``, for check_sealed: the only sealed values without a column."""
        for pk, sealed in cls.objects.filter(handle__has_key="sealed").values_list("pk", "handle__sealed").iterator():
            yield Place("credentials.credential", pk, "handle"), b64decode(sealed)

    def lacked_names(self) -> list[str]:
        """List the names of its policy's values that it was made without."""
        made = self.activated_at
        return [
            name
            for since, until, names in self.policy.gains()
            if made is not None and made < until and (since is None or made >= since)
            for name in names
        ]

    def is_due(self) -> bool:
        """Tell if a hand-out should make a successor first."""
        now = timezone.now()
        dates = [date for date in (self.refresh_at, self.expires_at) if date is not None]
        return self.state == self.State.ACTIVE and any(date <= now for date in dates)

    def is_ending(self) -> bool:
        """Tell if it has ended here, and outside perhaps not yet."""
        return self.state == self.State.RETIRING and self.retires_at is not None and self.retires_at <= timezone.now()

    def has_expired(self) -> bool:
        """Tell if its own expiry ended it; what is outside may still be on its way out."""
        return (self.final_state() if self.is_ending() else self.state) == self.State.EXPIRED

    def has_failed_so_far(self) -> bool:
        """Tell if what is under way outside, its making or its end, was tried in vain."""
        return self.attempts > 0 and (self.state == self.State.PENDING or self.is_ending())

    def expiry_outside(self) -> datetime | None:
        """Find when it expires outside, where nothing else ends it there; None where it does not, or something does.

        Not before its end here: an issuer may give it a longer life than its policy does (``OWN_END``).
        """
        try:
            backend = self.policy.backend()
        except ImproperlyConfigured:
            return None  # settings have lost its issuer
        if backend.can_revoke or not backend.expires_itself:
            return None
        own = self.handle.get(OWN_END)
        return self.expires_at if own is None else parse_datetime(own)

    def outlives_its_end(self) -> bool:
        """Tell if it may work outside after its end here: its issuer cannot end it, and it has not expired yet."""
        expiry = self.expiry_outside()
        return expiry > timezone.now() if expiry else not self.policy.backend().can_revoke

    def works_until(self) -> datetime | None:
        """Tell until when it works outside, where it has ended here and only its expiry ends it there."""
        ended = self.state in (self.State.REVOKED, self.State.EXPIRED) and self.outside != self.Outside.CONFIRMED
        expiry = self.expiry_outside() if ended else None
        return expiry if expiry and expiry > timezone.now() else None

    def is_still_outside(self) -> bool:
        """Tell if it has ended here, and nobody has confirmed its end outside."""
        return self.outside in self.STILL_OUTSIDE

    def may_be_confirmed(self) -> bool:
        """Tell if somebody should end it outside: also one that was ended by force, which its issuer may have left."""
        return self.outside in self.UNCONFIRMED

    @cached_property
    def shared_with(self) -> uuid.UUID | None:
        """Find the good version of its line that has a value of it, while it may still work outside: what that hands
        out, nobody should end there. Lists ask once (``with_use``)."""
        if not self.may_be_confirmed():
            return None
        newest = Credential.objects.usable().sharing(self).order_by("state", "-created_at")
        return newest.values_list("pk", flat=True).first()

    def state_word(self) -> str:
        """Name its state as a person reads it everywhere; what has leaked is told until nothing of it is left."""
        if self.state in self.UNENDED:
            return self._unended_word()
        words = {self.Outside.LEAKED: "may still work", self.Outside.FORCED: "force-ended"}
        words[self.Outside.OPEN] = "may still work"
        if self.outside not in words:
            return self.state
        leaked = self.leaked_at is not None or self.outside == self.Outside.LEAKED
        return f"{LEAKED if leaked else ''}{words[self.Outside(self.outside)]}"

    def _unended_word(self) -> str:
        leaked = LEAKED if self.leaked_at is not None else ""
        if self.is_stuck():
            return f"{leaked}stuck"
        if self.suspended:
            return f"{leaked}suspended"
        return f"{leaked}{'ending' if self.is_ending() else self.state}"

    def is_leaked_and_live(self) -> bool:
        """Tell if it has leaked and is still handed out: its end waits for its successor."""
        return self.leaked_at is not None and self.takes_successor()

    def ends_when_followed(self) -> bool:
        """Tell if it has leaked so that no rotation leaves it an overlap: it was reported itself, or with a version of
        its line. What has a secret of another line's may be rotated by whoever knows of no leak, and keeps it."""
        return self.leaked_at is not None and not self.leaked_by.startswith(LEAKED_WITH)

    def waits_for_successor(self) -> bool:
        """Tell if a successor is being made."""
        return Credential.objects.filter(line=self.line, state=self.State.PENDING).exclude(pk=self.pk).exists()

    def takes_successor(self) -> bool:
        """Tell if its line goes on from it: the active one; where there is none, the newest that retires, which is
        handed out because what came after it has ended."""
        if self.state != self.State.RETIRING:
            return self.state == self.State.ACTIVE
        return Credential.objects.filter(last_retiring(), pk=self.pk).exists()

    def is_stuck(self) -> bool:
        """Tell if a person should look: a step outside keeps failing."""
        return self.attempts >= STUCK_AFTER

    def may_be_stale(self) -> bool:
        """Tell if it may be handed out though it is due, because no successor can be made."""
        due = self.refresh_at or self.expires_at
        return self.is_usable() and due is not None and timezone.now() < due + self.policy.stale_for

    def final_state(self) -> "Credential.State":
        """Choose the last state of an ending credential: expired where its own expiry was the reason."""
        expired = self.expires_at is not None and self.retires_at is not None and self.retires_at >= self.expires_at
        return self.State.EXPIRED if expired else self.State.REVOKED
