from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("provisioning", "0012_plans_of_catalogues"),
    ]

    operations = [
        migrations.AddField(
            model_name="product",
            name="credentials_shape",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text='The JSON object that a credential is handed out as, for protocols that leave it to you: texts such as "$API_KEY" stand for the values. Empty: the values by their names.',
            ),
        ),
        migrations.AddField(
            model_name="product",
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
            model_name="product",
            name="metadata",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text='What catalogues that we serve say of it besides, such as {"displayName": "Bear"}.',
            ),
        ),
        migrations.AddField(
            model_name="product",
            name="tags",
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AlterField(
            model_name="product",
            name="regions",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text='Such as ["aws::us-east-1"]; ["all::global"] where it has none. Empty where the protocol knows none.',
            ),
        ),
    ]
