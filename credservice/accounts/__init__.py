"""Operators' accounts: sign-in, second factor, sessions. allauth's flows, in our console, sealed and in the trail."""
