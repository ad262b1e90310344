"""Tests that run whole processes. Each is one Python file, takes long, and uses the programs of :binaries."""

def integration_test(name, main = None, deps = [], **kwargs):
    """A py_test of NAME.py.

    Args:
      name: of the test and, with .py, of its file.
      main: the file, if another test has the name of that file.
      deps: other than :binaries.
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
