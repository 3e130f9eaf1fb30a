"""Routes of the vendor API about credentials, their policies and presented keys."""
