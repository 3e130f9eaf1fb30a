"""Our requests to a marketplace's connector (manifold-connector-api.yaml). It is the only host that we ever call."""
