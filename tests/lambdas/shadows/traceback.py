raise RuntimeError("the host has imported the lambda's traceback.py")
