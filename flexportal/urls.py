"""Addresses of the project: people's way in, the admin, health; everything else is the app's.

Of allauth's pages only those named here exist: there is no signup, no e-mail and no forgotten password.
"""

from allauth.account import views as account
from allauth.mfa.base import views as code
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.contrib import admin
from django.urls import include, path
from django.views.decorators.http import require_POST

from flexportal import heap, people
from offers.views import health

admin.autodiscover()
admin.site.login = people.admin_login  # type: ignore[method-assign]
admin.site.password_change = people.admin_password  # type: ignore[method-assign,assignment]

urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("login/code/", code.authenticate, name="mfa_authenticate"),
    path("logout/", require_POST(account.logout), name="account_logout"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("account/confirm/code/", code.reauthenticate, name="mfa_reauthenticate"),
    path("account/second-factor/", totp.activate_totp, name="mfa_activate_totp"),
    path("account/second-factor/off/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/recovery-codes/", recovery.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new/", recovery.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("admin/", admin.site.urls),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("health/deep", health.deep, name="deep"),
    path("", include("offers.urls")),
]

heap.keep()  # with the first page a web process loads all that serves people
