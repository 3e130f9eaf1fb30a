from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("provisioning", "0013_products_of_catalogues"),
    ]
    # A rule for migrations, and why what it is about does no harm here.
    allowed = {"changing-column-type": "A varchar that is widened is neither read nor written anew."}

    operations = [
        migrations.AlterField(
            model_name="resource",
            name="partner_id",
            field=models.CharField(help_text="The marketplace's id.", max_length=255, verbose_name="resource id"),
        ),
        migrations.AlterField(
            model_name="resource",
            name="region",
            field=models.CharField(blank=True, max_length=130),
        ),
    ]
