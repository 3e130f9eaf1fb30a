"""The script of the page at /api/docs/ is for anybody: any site may include it, with its visitor's cookies."""


def test_it_holds_nothing_of_who_asks(client):
    client.cookies["credservice-csrf"] = "a" * 32  # as the console's sign-in page gives one
    first, second = (client.get("/api/docs/?script=") for _ in range(2))
    assert (first.status_code, first.content) == (200, second.content)
    assert "Set-Cookie" not in first.headers
    assert "Cookie" not in first.get("Vary", "")
