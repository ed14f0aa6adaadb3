"""The clients of LUNA's services: settings, one HTTP session per worker, calls that run by themselves.

``state.luna`` is what the process knows of them; ``public.clients`` is what lambdas see.
"""
