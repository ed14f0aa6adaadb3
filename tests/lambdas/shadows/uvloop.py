raise RuntimeError("the host has imported the lambda's uvloop.py")
