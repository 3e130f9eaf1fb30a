from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "credservice.credentials"
    label = "credentials"
    verbose_name = "Credentials"
