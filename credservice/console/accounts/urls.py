"""Routes allauth's pages that operators need, under ``/admin/account/``: no sign-up, no mail.

The names are those that allauth's own code looks for.
"""

from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from credservice.console.accounts import invitation_page, provider_views, views
from credservice.console.accounts.views import console_page

account = login_required(console_page(views.AccountView.as_view(), views.MY_ACCOUNT, in_account=False))

urlpatterns = [
    path("", account, name="mfa_index"),
    path("passkeys/", account, name="mfa_list_webauthn"),
    path("second-step/", console_page(views.SecondStepView.as_view(), "Second step"), name="mfa_authenticate"),
    path(
        "confirm/",
        login_required(console_page(views.ConfirmView.as_view(), "Confirm that it is you", in_account=False)),
        name="account_reauthenticate",
    ),
    path(
        "confirmed/",
        require_GET(login_required(console_page(views.confirmed, "Confirmed", in_account=False))),
        name="account_confirmed",
    ),
    path("signed-in/", require_GET(views.signed_in), name="account_signed_in"),
    path("passkey/options/", require_GET(login_required(views.passkey_options)), name="account_passkey_options"),
    path("passkey/sign-in/", console_page(views.passkey_sign_in, "Sign in"), name="mfa_login_webauthn"),
    path("app/", console_page(views.AddAppView.as_view(), "Add an authenticator app"), name="mfa_activate_totp"),
    path("app/remove/", console_page(totp.deactivate_totp, "Remove the authenticator app"), name="mfa_deactivate_totp"),
    path("passkeys/add/", console_page(views.AddPasskeyView.as_view(), "Add a passkey"), name="mfa_add_webauthn"),
    path(
        "passkeys/<int:pk>/remove/",
        console_page(webauthn.remove_webauthn, "Remove a passkey"),
        name="mfa_remove_webauthn",
    ),
    path("recovery-codes/", console_page(codes.view_recovery_codes, "Recovery codes"), name="mfa_view_recovery_codes"),
    path(
        "recovery-codes/new/",
        console_page(codes.generate_recovery_codes, "New recovery codes"),
        name="mfa_generate_recovery_codes",
    ),
    path("provider/<str:alias>/sign-in/", require_GET(provider_views.sign_in), name="provider_sign_in"),
    path(
        "provider/confirm/",
        require_GET(login_required(provider_views.confirm)),
        name="account_provider_confirm",
    ),
    path(
        "provider/<str:provider_id>/callback/",
        require_GET(console_page(provider_views.callback, "Sign in")),
        name="openid_connect_callback",
    ),
    path("invitation/", console_page(invitation_page.invitation, "Invitation"), name="account_invitation"),
    path("sessions/end/", require_POST(login_required(views.end_other_sessions)), name="account_end_sessions"),
]
