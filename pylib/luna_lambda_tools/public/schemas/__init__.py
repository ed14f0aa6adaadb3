"""Models that several kinds of request bodies share. Source: LUNA manual, `luna_lambda_tools.public.schemas`."""
