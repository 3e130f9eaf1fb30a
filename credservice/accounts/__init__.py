"""Signs operators in, with second factors and sessions: allauth's flows in our console, sealed and recorded."""
