from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0009_labels")]

    operations = [
        migrations.AddField(
            model_name="marketplace",
            name="sign_on_404",
            field=models.CharField(
                choices=[
                    ("refuse", "refuse the user"),
                    ("allow", "let in where the connector does not find it for us either"),
                ],
                db_default="refuse",
                default="refuse",
                help_text="When its connector does not find the resource that a user signs on to. To let them in is for the marketplace's own checker, whose connector forgets resources; it is refused in production.",
                max_length=8,
                verbose_name="404 at sign-on",
            ),
        ),
    ]
