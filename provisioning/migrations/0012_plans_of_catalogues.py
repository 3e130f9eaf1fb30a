import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("provisioning", "0011_protocol"),
    ]

    operations = [
        migrations.AddField(
            model_name="plan",
            name="description",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="For the customer, in catalogues that we serve.",
                max_length=255,
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="is_free",
            field=models.BooleanField(
                db_default=True, default=True, help_text="So catalogues that we serve say.", verbose_name="free"
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="maintenance_version",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of what is behind the plan, such as 2.1.0 (semantic versioning), where its customers should know.",
                max_length=64,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A(0|[1-9][0-9]*)(\\.(0|[1-9][0-9]*)){2}(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?\\Z",
                        "Write a version such as 2.1.0.",
                    )
                ],
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="metadata",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text='What those say of it besides, such as {"bullets": ["2 CPU"], "costs": [{"amount": {"eur": 9}, "unit": "MONTHLY"}]}.',
            ),
        ),
    ]
