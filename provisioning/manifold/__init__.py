"""Speaks the protocol of Manifold-style marketplaces: signatures, messages, callbacks, single sign-on."""

PROTOCOL = "manifold"  # its name among all
