from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "exchange"
    verbose_name = "Exchange"

    def ready(self) -> None:
        from credservice.credentials.preview import register_reach
        from credservice.credentials.subjects import register_subject
        from exchange import exported
        from exchange.lookups import end_user_subject
        from exchange.reach import installations_of
        from exchange.setup import register_sections

        register_sections()
        exported.register()
        register_reach(installations_of)
        register_subject("end_user", end_user_subject)
