ALL = ["red", "green"]
