variable = 1


def foo_from_fileinpath2():
    return "foo_from_fileinpath2"
