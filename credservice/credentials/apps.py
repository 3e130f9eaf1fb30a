from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "credservice.credentials"
    label = "credentials"
    verbose_name = "Credentials"

    def ready(self) -> None:
        from credservice.credentials import exported
        from credservice.credentials.setup import register_sections

        register_sections()
        exported.register()
