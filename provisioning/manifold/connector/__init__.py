"""Makes our requests to a marketplace's connector (manifold-connector-api.yaml), the only host that we ever call."""
