"""Tells of what needs attention, in the worker."""

from django.conf import settings
from django.core.mail import send_mail
from procrastinate.contrib.django import app

from credservice.console.notices import MAIL_TASK, tell_changes
from credservice.core.jobs import NeverGiveUp


@app.periodic(cron="*/5 * * * *")
@app.task(name="console.tell_changes", queueing_lock="console.tell_changes", pass_context=False)
def tell(timestamp: int) -> None:
    tell_changes()


@app.task(name=MAIL_TASK, retry=NeverGiveUp())
def mail_notice(subject: str, text: str) -> None:
    """Send it, however often the mail server has to be tried; to whom it goes now."""
    if settings.NOTICE_EMAILS:
        send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, settings.NOTICE_EMAILS)
