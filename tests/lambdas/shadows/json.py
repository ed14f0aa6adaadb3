raise RuntimeError("the host has imported the lambda's json.py")
