"""Tests that run whole processes. Each test is one Python file, takes long and runs the programs of :binaries."""

def integration_test(name, main = None, deps = [], **kwargs):
    """Declares a py_test of NAME.py.

    Args:
      name: name of the test. Its file is NAME.py unless `main` is given.
      main: the file, if its name is not NAME.py.
      deps: dependencies besides :binaries.
      **kwargs: passed to py_test.
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
