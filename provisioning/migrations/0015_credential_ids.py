from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("provisioning", "0014_resource_ids"),
    ]
    # A rule for migrations, and why what it is about does no harm here.
    allowed = {"changing-column-type": "A varchar that is widened is neither read nor written anew."}

    operations = [
        migrations.AlterField(
            model_name="resourcecredential",
            name="partner_id",
            field=models.CharField(help_text="The marketplace's id.", max_length=255, verbose_name="credential id"),
        ),
    ]
