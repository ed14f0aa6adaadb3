def foo_from_file1():
    return "foo_from_file1"
