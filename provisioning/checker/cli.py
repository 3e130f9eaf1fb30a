"""Runs the command, for `python -m provisioning.checker` and `manage.py check_provider` alike."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from provisioning.checker.broker import Broker, account_of
from provisioning.checker.cases.manifold import CASES
from provisioning.checker.cases.osb import OSB_CASES
from provisioning.checker.connector import Client, Connector, PortTaken
from provisioning.checker.junit import JUnit, Unwritable
from provisioning.checker.keys import KeyFileError, MasterKey
from provisioning.checker.messages import Reply, Request
from provisioning.checker.options import CONNECTOR_PORT, Usage, order_of
from provisioning.checker.order import Order
from provisioning.checker.promises import Promises
from provisioning.checker.provider import Provider
from provisioning.checker.registry import Case, UnknownCase, selected
from provisioning.checker.report import Output, Report, Style, Traffic
from provisioning.checker.runner import Listeners, Outcome, Result, Unreachable, Untrusted, preflight, run
from provisioning.checker.signer import canonical_form
from provisioning.checker.transport import BadURL, NoReply, Transport

PASSED, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130


def main(options: Mapping[str, Any], out: Output, errors: Output, *, no_colour: bool = False) -> int:
    """Do what the options say (`options.add_arguments`). Returns the exit code."""
    report = Report(out, Style.of(out, no_colour=no_colour), verbose=options["verbose"])
    try:
        return _main(options, report)
    except (BadURL, KeyFileError, PortTaken, UnknownCase, Unreachable, Unwritable, Usage) as error:
        errors.write(f"check_provider: {error}\n")
        return UNUSABLE
    except BrokenPipeError:
        return INTERRUPTED
    except KeyboardInterrupt:
        errors.write("\nStopped. What the running case had made was deleted, as far as the provider let it.\n")
        return INTERRUPTED


def _main(options: Mapping[str, Any], report: Report) -> int:
    is_broker = options["protocol"] == "osb"
    cases = selected(OSB_CASES if is_broker else CASES, options["only"], options["skip"])
    if options["list"]:
        report.listed(cases)
        return PASSED
    if is_broker:
        return check_broker(cases, options, report)
    if not options["url"]:
        return _save_only(options, report)
    order = order_of(options)
    cases = [case for case in cases if case.fits(order)]
    if not cases:
        raise Usage(f"none of the named cases is about a product with --credential {order.credentials}")
    with ExitStack() as stack:
        provider = _provider(options, order, report, stack)
        junit = JUnit(options["junit"], provider.transport.url) if options["junit"] else None
        return _check(provider, cases, options, report, junit)


def _provider(options: Mapping[str, Any], order: Order, report: Report, stack: ExitStack) -> Provider:
    traffic = Traffic(report, show_secrets=options["show_secrets"]) if options["verbose"] else None
    transport = Transport(options["url"], timeout=options["timeout"], watch=traffic or _unwatched)
    stack.callback(transport.close)
    if options["connector_port"] is None:
        return Provider(transport, _master(options), order, f"http://localhost:{CONNECTOR_PORT}/v1")
    client = Client(options["client_id"], options["client_secret"])
    connector = stack.enter_context(
        Connector(options["connector_port"], client, traffic.connector if traffic else None)
    )
    promises = Promises(connector, options["callback_timeout"], report.waiting)
    return Provider(transport, _master(options), order, connector.url, promises)


def _check(
    provider: Provider, cases: Sequence[Case], options: Mapping[str, Any], report: Report, junit: JUnit | None
) -> int:
    report.line(f"Checking {provider.transport.url}: {_described(provider.order)}")
    report.line(f"Master key {provider.master.public_text}")
    if provider.promises:
        report.line(f"Connector {provider.connector.url}, client {provider.connector.tokens.client.id}")
    try:
        preflight(provider)
    except Untrusted as refusal:
        _advise(refusal, provider.master, options, report)
        _stopped(junit, refusal)
        return FAILED
    except Unreachable as problem:
        _stopped(junit, problem)
        raise
    return _told(provider, _run(provider, cases, options, report, junit), report)


def check_broker(cases: Sequence[Case], options: Mapping[str, Any], report: Report) -> int:
    """Play a platform against an Open Service Broker."""
    if not options["url"]:
        raise Usage("name the broker's URL, for example http://localhost:8000/osb/platform")
    with ExitStack() as stack:
        watch = Traffic(report, show_secrets=options["show_secrets"]) if options["verbose"] else _unwatched
        transport = Transport(options["url"], timeout=options["timeout"], watch=watch, version="/v2")
        stack.callback(transport.close)
        user, password = account_of(options)
        broker = Broker(transport, user, password, patience=options["callback_timeout"])
        junit = JUnit(options["junit"], transport.url) if options["junit"] else None
        try:
            broker.choose(options)
        except NoReply as failure:
            problem = Unreachable(f"no broker answers at {transport.url}: {failure.problem}")
            _stopped(junit, problem)
            raise problem from failure
        report.line(f"Checking {transport.url}: {broker.described}")
        return _told(broker, _run(broker, cases, options, report, junit), report)


def _told(provider: Provider | Broker, outcomes: Sequence[Outcome], report: Report) -> int:
    report.summary(outcomes, provider.left_behind)
    return FAILED if any(outcome.result is Result.FAILED for outcome in outcomes) else PASSED


def _run(
    provider: Provider | Broker, cases: Sequence[Case], options: Mapping[str, Any], report: Report, junit: JUnit | None
) -> list[Outcome]:
    try:
        listener = Listeners(report, junit) if junit else report
        return run(cases, provider, strict=options["strict"], listener=listener)
    finally:
        if junit:
            junit.write()


def _stopped(junit: JUnit | None, problem: Exception) -> None:
    if junit:
        junit.write(error=str(problem))


def _save_only(options: Mapping[str, Any], report: Report) -> int:
    if not options["save_key"]:
        raise Usage("name the provider's URL, for example http://localhost:8000")
    report.line("Let the provider trust this master key, then check it with --master-key:")
    _trust(_master(options), options, report)
    return PASSED


def _master(options: Mapping[str, Any]) -> MasterKey:
    if options["master_key"] and options["save_key"]:
        raise Usage("--save-key is for a new pair, --master-key for one that you have: give one of them")
    if options["master_key"]:
        return MasterKey.load(options["master_key"])
    master = MasterKey.generate()
    if options["save_key"]:
        master.save(options["save_key"])
    return master


def _trust(master: MasterKey, options: Mapping[str, Any], report: Report) -> None:
    file = options["master_key"] or options["save_key"]
    # A key may start with a dash, which an option would.
    key = shlex.quote(str(file)) if file else f"-- {master.public_text}"
    report.line(f"    public key   {master.public_text}")
    report.line(f"    credservice  .venv/bin/python manage.py trust_key manifold check-provider --test {key}")


def _advise(refusal: Untrusted, master: MasterKey, options: Mapping[str, Any], report: Report) -> None:
    report.line()
    report.line(f"No case was run: {refusal}. It probably does not trust this master key:")
    _trust(master, options, report)
    if not options["master_key"] and not options["save_key"]:
        report.line("This pair is gone with this run. Make one that stays with --save-key FILE, let the provider trust")
        report.line("it, and run again with --master-key FILE.")
    report.line("If it does trust the key, its check of signatures is wrong. These bytes were signed:")
    for line in canonical_form(refusal.request).decode().splitlines():
        report.line(f"    {line}")


def _described(order: Order) -> str:
    plans = f"plan {order.plan}" + (f" to {order.new_plan}" if order.new_plan else "")
    return f"product {order.product}, {plans}, region {order.region}, {order.credentials} credentials"


def _unwatched(request: Request, reply: Reply | None) -> None:
    """Show nothing: without --verbose nobody watches the traffic."""
