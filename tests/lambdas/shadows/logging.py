raise RuntimeError("the host has imported the lambda's logging.py")
