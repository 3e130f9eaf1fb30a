"""``postgresql``: real login roles on the vendor's PostgreSQL (14 and later). See docs/issuers/postgresql.md."""

from credservice.issuers.postgresql.issuer import PostgreSQLIssuer

__all__ = ["PostgreSQLIssuer"]
