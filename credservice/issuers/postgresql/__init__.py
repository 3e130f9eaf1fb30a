"""Makes ``postgresql`` credentials: roles of the vendor's PostgreSQL (14 or later). See docs/issuers/postgresql.md."""

from credservice.issuers.postgresql.issuer import PostgreSQLIssuer

__all__ = ["PostgreSQLIssuer"]
