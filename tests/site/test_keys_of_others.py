"""Keys that are none of this site's: clients made for other services always send one."""

import openai
import pytest
import requests
from django.conf import LazySettings
from django.test import Client

from tests.running import Site
from tests.site.people import make_key, page_token, signed_in

pytestmark = pytest.mark.proof

DUMMY = {"Authorization": "Bearer sk-0123456789"}


def get(site: Site, **headers: str) -> int:
    return requests.get(f"{site.url}/task/all", headers=headers, timeout=30).status_code


def test_where_nobody_needs_a_key_they_do_not_count(anonymous_site: Site) -> None:
    assert get(anonymous_site, **DUMMY) == 200
    assert get(anonymous_site, Authorization="Bearer é") == 200


def test_elsewhere_they_are_refused(site: Site, closed_site: Site) -> None:
    for one in (site, closed_site):
        assert get(one, **DUMMY) == get(one, Authorization="Bearer é") == 401


def test_one_of_our_own_kind_must_be_known(anonymous_site: Site) -> None:
    site = anonymous_site
    expired = make_key(site, "admin", -1)
    for key in ("wxs_unknown", expired, expired[:-1]):
        assert get(site, Authorization=f"Bearer {key}") == 401
    assert get(site, Authorization=f"Bearer {make_key(site)}") == 200


def test_they_open_nothing_that_none_would_not(anonymous_site: Site) -> None:
    """Neither another's page nor a page without its token gets through by adding one."""
    site = anonymous_site
    foreign = {"Origin": "https://evil.example", **DUMMY}
    assert requests.delete(f"{site.url}/task/x/delete", headers=foreign, timeout=30).ok is False
    session = signed_in(site)
    token = {"X-CSRFToken": page_token(site, session)}
    address = f"{site.url}/task/x/delete"
    assert session.delete(address, headers=foreign | token, timeout=30).status_code == 403
    assert session.delete(address, headers=DUMMY, timeout=30).status_code == 403
    assert session.delete(address, headers=DUMMY | token, timeout=30).status_code == 404


@pytest.mark.django_db
def test_where_everybody_is_served(settings: LazySettings) -> None:
    settings.ALLOW_ANONYMOUS = True
    client = Client(REMOTE_ADDR="203.0.113.7", headers={"Host": "localhost"})
    assert client.get("/task/all", headers=DUMMY).status_code == 200
    unknown = {"Authorization": "Bearer wxs_unknown"}
    assert client.get("/task/all", headers=unknown).status_code == 401
    settings.ALLOW_ANONYMOUS = False
    assert client.get("/task/all", headers=DUMMY).status_code == 401


def test_openai_s_clients_get_their_own_shape(closed_site: Site) -> None:
    refused = requests.get(f"{closed_site.url}/v1/models", headers=DUMMY, timeout=30)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "invalid_api_key"
    assert "Bearer" in refused.headers["WWW-Authenticate"]
    key = make_key(closed_site)
    known = openai.OpenAI(base_url=f"{closed_site.url}/v1", api_key=key, max_retries=0)
    assert "whisper-1" in {model.id for model in known.models.list()}
    foreign = {"Origin": "https://evil.example", "Authorization": f"Bearer {key}"}
    answer = requests.post(f"{closed_site.url}/v1/models", headers=foreign, timeout=30)
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "invalid_request_error")
