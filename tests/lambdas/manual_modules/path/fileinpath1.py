from .fileinpath2 import variable


def foo_from_fileinpath1():
    return "foo_from_fileinpath1"


def get_variable_from_another_file():
    return variable
