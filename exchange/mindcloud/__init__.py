"""MindCloud's other half, which every vendor needs: create an end user there once, and mint its tokens for the browser.

Protocol notes, MindCloud, last paragraph. See docs/protocols/mindcloud.md.
"""
