"""What lambdas use; everything here stays backward compatible."""
