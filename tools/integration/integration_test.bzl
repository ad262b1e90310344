"""Tests that run whole processes: long by nature, one Python file each, on the binaries of :binaries."""

def integration_test(name, main = None, deps = [], **kwargs):
    """A py_test of NAME.py.

    Args:
      name: of the test and, with .py, of its file.
      main: the file, where another test has its name.
      deps: beside :binaries.
      **kwargs: py_test's.
    """
    source = main or name + ".py"
    native.py_test(
        name = name,
        timeout = "eternal",
        srcs = [source],
        main = source,
        deps = [":binaries"] + deps,
        **kwargs
    )
