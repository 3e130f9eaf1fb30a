from django.db import migrations, models

import provisioning.protocols


class Migration(migrations.Migration):
    dependencies = [
        ("provisioning", "0010_sign_on_404"),
    ]

    operations = [
        migrations.AddField(
            model_name="marketplace",
            name="protocol_name",
            field=models.CharField(
                choices=provisioning.protocols.protocol_choices,
                db_default="manifold",
                default="manifold",
                help_text="How it speaks. It cannot change.",
                max_length=32,
                verbose_name="protocol",
            ),
        ),
        migrations.AlterField(
            model_name="marketplace",
            name="connector_url",
            field=models.URLField(
                blank=True,
                help_text="Such as https://api.connector.manifold.co/v1",
                max_length=255,
                verbose_name="connector URL",
            ),
        ),
    ]
