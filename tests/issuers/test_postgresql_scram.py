import hashlib
import hmac
from base64 import b64decode, b64encode

import psycopg
import pytest

from credservice.issuers.postgresql.scram import verifier

SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="
# The exchange of RFC 7677, section 3: user "user", password "pencil".
AUTH_MESSAGE = (
    b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
)
CLIENT_PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
SERVER_SIGNATURE = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_it_gives_the_exchange_of_rfc_7677():
    scheme, parameters, keys = verifier("pencil", salt=b64decode(SALT)).split("$")
    stored, server = (b64decode(key) for key in keys.split(":"))
    signature = hmac.digest(server, AUTH_MESSAGE, "sha256")
    client_signature = hmac.digest(stored, AUTH_MESSAGE, "sha256")
    client_key = bytes(a ^ b for a, b in zip(client_signature, b64decode(CLIENT_PROOF), strict=True))
    assert (scheme, parameters) == ("SCRAM-SHA-256", f"4096:{SALT}")
    assert b64encode(signature).decode() == SERVER_SIGNATURE
    assert hashlib.sha256(client_key).digest() == stored


def test_two_verifiers_of_one_password_differ():
    assert verifier("pencil") != verifier("pencil")


def test_the_server_takes_it_and_the_password_fits(vendor_server):
    with psycopg.connect(vendor_server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS scram_test")
        connection.execute(f"CREATE ROLE scram_test LOGIN PASSWORD '{verifier('pencil', iterations=8192)}'")
    psycopg.connect(vendor_server.conninfo("scram_test", password="pencil")).close()


@pytest.mark.parametrize("password", ["", "pässword", "a\nb", "a\x00b"])
def test_it_refuses_what_saslprep_might_change(password):
    with pytest.raises(ValueError, match="printable ASCII"):
        verifier(password)
