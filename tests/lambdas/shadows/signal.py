raise RuntimeError("the host has imported the lambda's signal.py")
