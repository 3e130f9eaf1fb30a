-- The tables that such a developer makes, with the indexes that the statements and the foreign keys need.
CREATE TABLE platforms (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    sealed_secret bytea NOT NULL
);
CREATE TABLE credentials (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE TABLE grants (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform_id bigint NOT NULL REFERENCES platforms,
    integration_id text NOT NULL,
    installation_id text NOT NULL,
    end_user_id text NOT NULL,
    credential_id uuid NOT NULL REFERENCES credentials,
    UNIQUE (platform_id, integration_id, installation_id, end_user_id)
);
CREATE INDEX ON grants (credential_id);
CREATE TABLE resources (
    id text PRIMARY KEY,
    product text NOT NULL,
    plan text NOT NULL,
    deprovisioned_at timestamptz
);
CREATE TABLE resource_credentials (
    id text PRIMARY KEY,
    resource_id text NOT NULL REFERENCES resources,
    key_hash bytea NOT NULL UNIQUE,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX ON resource_credentials (resource_id);
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    object_id text NOT NULL,
    source inet,
    detail jsonb NOT NULL
);
CREATE INDEX ON audit (at);
CREATE INDEX ON audit (object_id);
