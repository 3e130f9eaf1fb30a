"""Notes what may be left of a credential outside after its end. What ended before stays empty: nobody asked then.

A column with a constant default is added without rewriting the table.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0006_leases"),
    ]

    operations = [
        migrations.AddField(
            model_name="credential",
            name="outside",
            field=models.CharField(
                blank=True,
                choices=[
                    ("open", "ended here, and may still work outside"),
                    ("leaked", "leaked, ended here, and may still work outside"),
                    ("confirmed", "ended outside, as somebody confirmed"),
                    ("forced", "ended by force: its issuer never confirmed it"),
                ],
                db_default="",
                default="",
                help_text="What may be left of it outside after its end; empty: nothing.",
                max_length=16,
            ),
        ),
    ]
