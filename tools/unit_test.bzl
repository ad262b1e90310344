"""Unit tests in C++: GoogleTest, a main, and the tags by which tools/test.sh chooses."""

def unit_test(
        name,
        deps,
        srcs = None,
        torch = False,
        counts_bytes = False,
        sanitize = False,
        tsan = False,
        tags = [],
        **kwargs):
    """A cc_test with GoogleTest and a main.

    Args:
      name: of the test.
      deps: what is tested; GoogleTest and the main come by themselves.
      srcs: default: NAME.cc.
      torch: links LibTorch.
      counts_bytes: counts tensor bytes, so the tracking allocator is installed before the first
        tensor exists. Only with torch.
      sanitize: also runs under the address and undefined-behaviour sanitizers.
      tsan: also runs under the thread sanitizer. Not with torch.
      tags: further tags.
      **kwargs: cc_test's.
    """
    own_tags = [tag for tag, wanted in [
        ("torch", torch),
        ("sanitize", sanitize),
        ("tsan", tsan),
    ] if wanted]
    main = ["//memory/tracking:allocator_test_main"] if counts_bytes else ["//base:test_main"]
    native.cc_test(
        name = name,
        srcs = srcs or [name + ".cc"],
        tags = own_tags + tags,
        deps = deps + main + ["@gtest"] + (["@libtorch//:torch"] if torch else []),
        **kwargs
    )
