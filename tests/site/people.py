"""People and keys on a running site, as a browser or a script would have them."""

from __future__ import annotations

import functools
import re

import requests
from playwright.sync_api import BrowserContext

from tests.running import PASSWORD, Site

# The cookies' names carry the site's port.
TOKEN_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def form_token(session: requests.Session, address: str) -> str:
    """The CSRF token in the first form of a page."""
    page = session.get(address, timeout=30, headers={"Accept": "text/html"})
    found = TOKEN_FIELD.search(page.text)
    assert found, (page.status_code, page.url, page.text[:500])
    return found[1]


def try_login(
    site: Site,
    name: str,
    password: str,
    path: str = "/login",
    session: requests.Session | None = None,
) -> tuple[requests.Session, requests.Response]:
    """The response to the login form; redirects are not followed."""
    session = session or requests.Session()
    token = form_token(session, site.url + path)
    answer = session.post(
        site.url + path,
        data={"username": name, "password": password, "csrfmiddlewaretoken": token},
        allow_redirects=False,
        timeout=30,
        headers={"Accept": "text/html"},
    )
    return session, answer


def signed_in(site: Site, name: str = "admin", password: str = PASSWORD) -> requests.Session:
    session, answer = try_login(site, name, password)
    assert answer.status_code == 302, (answer.status_code, answer.text)
    return session


@functools.cache
def session_of(site: Site) -> dict[str, str]:
    """The cookies of the site's first user. Created once per site: checking passwords takes
    time."""
    return dict(signed_in(site).cookies)


def sign_in(browser: BrowserContext, site: Site) -> None:
    """Logs a browser in as the site's first user, without the login page."""
    browser.add_cookies(
        [{"name": name, "value": said, "url": site.url} for name, said in session_of(site).items()]
    )


def page_token(site: Site, session: requests.Session) -> str:
    """The token that the pages' scripts send as X-CSRFToken."""
    page = session.get(site.url + "/", headers={"Accept": "text/html"}, timeout=30).text
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found, page[:500]
    return found[1]


MAKE_USER = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_user({name!r}, password={password!r}, is_active={active})
"""
MAKE_KEY = """
from datetime import timedelta
from django.utils import timezone
from django.contrib.auth import get_user_model
from whisperx_site.accounts.models import ApiKey
key = ApiKey(user=get_user_model().objects.get(username={name!r}), name="test",
             expires={days} and timezone.now() + timedelta(days={days}))
print(key.renew_secret())
key.save()
"""


def make_user(site: Site, name: str, password: str = PASSWORD, active: bool = True) -> None:
    site.shell(MAKE_USER.format(name=name, password=password, active=active))


def make_key(site: Site, name: str = "admin", days: int | None = None) -> str:
    return site.shell(MAKE_KEY.format(name=name, days=days)).strip()
