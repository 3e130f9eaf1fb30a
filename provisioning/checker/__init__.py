"""Plays a Manifold-style marketplace against any provider and says which documented behaviour it lacks.

Plain Python: no Django, no database, and nothing of this service's own provider API, so that its signer
(`signer.py`) is a second implementation beside the verifier that it tests. Entry points: `cli.py`
(`python -m provisioning.checker`) and the `check_provider` management command. Guide: docs/check-provider.md.
"""
