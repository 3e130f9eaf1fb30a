"""Signs operators in through OpenID Connect providers: allauth's flow, with our settings, checks and roles.

docs/sign-in.md says what an administrator sets; docs/security.md what is checked.
"""
