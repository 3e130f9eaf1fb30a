"""Calls MindCloud's API, as every vendor must: creates an end user there once, and mints its tokens for the browser.

Protocol notes, MindCloud, last paragraph. See docs/protocols/mindcloud.md.
"""
