"""Unit tests in C++: GoogleTest, a main, and the tags by which tools/test.sh chooses."""

def unit_test(
        name,
        deps,
        srcs = None,
        torch = False,
        counts_bytes = False,
        sanitize = False,
        tsan = False,
        logs_info = False,
        tags = [],
        **kwargs):
    """A cc_test with GoogleTest and a main.

    Args:
      name: of the test.
      deps: what is tested; GoogleTest and the main come by themselves.
      srcs: default: NAME.cc.
      torch: links LibTorch.
      counts_bytes: the test counts tensor bytes, so the tracking allocator is installed before the first
        tensor exists. Only with torch.
      sanitize: also runs under the address and undefined-behaviour sanitizers.
      tsan: also runs under the thread sanitizer. Not with torch.
      logs_info: the test reads log lines below warnings, which the usual main drops.
      tags: further tags.
      **kwargs: cc_test's.
    """
    own_tags = [tag for tag, wanted in [
        ("torch", torch),
        ("sanitize", sanitize),
        ("tsan", tsan),
    ] if wanted]
    main = ["//base:test_main"]
    if counts_bytes:
        main = ["//memory/tracking:allocator_test_main"]
    if logs_info:
        main = []
        kwargs["linkopts"] = ["-lgtest_main"]
    native.cc_test(
        name = name,
        srcs = srcs or [name + ".cc"],
        tags = own_tags + tags,
        deps = deps + main + ["@gtest"] + (["@libtorch//:torch"] if torch else []),
        **kwargs
    )
