"""The login: by name and password, or by the link that the site prints."""

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

from whisperx_site.accounts import login_link
from whisperx_site.accounts.forms import ThrottledForm


class LoginPage(LoginView):
    authentication_form = ThrottledForm
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if "token" not in (request.POST if request.method == "POST" else request.GET):
            return super().dispatch(request, *args, **kwargs)
        response = use_link(request) if request.method == "POST" else show_link(request)
        # The page's address is a secret. Not no-referrer: browsers would then send
        # `Origin: null` with the form, which is refused.
        response["Referrer-Policy"] = "strict-origin"
        add_never_cache_headers(response)
        return response


def show_link(request: HttpRequest) -> HttpResponse:
    """Shows one button. Only opening the address, such as by a link preview, doesn't use it up."""
    token = request.GET["token"]
    link = login_link.find(token)
    if link is None:
        return dead_link(request)
    context = {"token": token, "who": link.user, "next": request.GET.get("next", "")}
    return render(request, "registration/login_link.html", context)


def use_link(request: HttpRequest) -> HttpResponse:
    user = login_link.spend(request.POST["token"])
    if user is None:
        return dead_link(request)
    login(request, user)
    target = request.POST.get("next", "")
    here = {request.get_host()}
    if not url_has_allowed_host_and_scheme(target, here, require_https=request.is_secure()):
        target = settings.LOGIN_REDIRECT_URL
    return HttpResponseRedirect(target)


def dead_link(request: HttpRequest) -> HttpResponse:
    """The link is wrong, used or too old."""
    return render(request, "registration/login_link.html", status=403)
