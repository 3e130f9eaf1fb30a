from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0005_erasure"),
    ]

    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("holder", models.UUIDField()),
                ("ends_at", models.DateTimeField()),
            ],
            options={"default_permissions": ()},
        ),
    ]
