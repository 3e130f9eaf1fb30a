"""Registers the cases of Open Service Broker, apart from those of the other protocol."""

from functools import partial

from provisioning.checker.registry import Case, case

OSB_CASES: list[Case] = []
osb_case = partial(case, into=OSB_CASES)
