"""A repository rule that serves LibTorch out of a PyTorch wheel.

It looks in this order: the folder in LIBTORCH (a LibTorch archive or a wheel's
`torch` folder), the torch of `python3`, the folder `.libtorch` of this checkout,
which tools/setup.sh fills. CPU and CUDA wheels both work: the libraries in the
wheel decide what is linked.
"""

_HINT = "Run tools/setup.sh, which installs it, or set LIBTORCH to the folder that holds include/ and lib/."

def _find(ctx):
    named = ctx.os.environ.get("LIBTORCH", "")
    if named:
        if not ctx.path(named + "/lib").exists:
            fail("\n\nLIBTORCH=%s has no folder lib.\n%s\n" % (named, _HINT))
        return ctx.path(named)
    python = ctx.which("python3")
    if python:
        result = ctx.execute([
            python,
            "-c",
            "import importlib.util as u; s = u.find_spec('torch'); print(list(s.submodule_search_locations)[0] if s else '')",
        ])
        found = result.stdout.strip()
        if result.return_code == 0 and found and ctx.path(found + "/lib").exists:
            return ctx.path(found)
    own = ctx.path(Label("//:WORKSPACE")).dirname.get_child(".libtorch").get_child("torch")
    if own.exists:
        return own
    fail("\n\nLibTorch was not found.\n%s\n" % _HINT)

def _libtorch_impl(ctx):
    root = _find(ctx)
    lib = root.get_child("lib")
    if not lib.get_child("libtorch_cpu.so").exists:
        fail("\n\n%s holds no libtorch_cpu.so.\n%s\n" % (lib, _HINT))
    ctx.symlink(root.get_child("include"), "include")
    linkopts = [
        "-L%s" % lib,
        "-Wl,-rpath,%s" % lib,
        "-Wl,--no-as-needed",
        # Before LibTorch, because its libraries export copies of over a hundred symbols of the C++
        # library (std::filesystem, std::exception_ptr), and the first library in the list wins.
        "-lstdc++",
        "-ltorch",
        "-ltorch_cpu",
        "-lc10",
    ]
    if lib.get_child("libtorch_cuda.so").exists:
        linkopts += ["-ltorch_cuda", "-lc10_cuda"]
    # Link the libgomp that LibTorch brings, whose name differs between archives. A second libgomp
    # would start its own threads. (All wheels for x86-64 Linux bring one.)
    gomp = [f.basename for f in lib.readdir() if f.basename.startswith("libgomp")]
    linkopts += ["-l:" + gomp[0]] if gomp else ["-lgomp"]
    linkopts += ["-Wl,--as-needed"]
    ctx.file("BUILD", """package(default_visibility = ["//visibility:public"])

cc_library(
    name = "torch",
    # One folder as one source, instead of 9,500 header targets.
    hdrs = ["include"],
    includes = [
        "include",
        "include/torch/csrc/api/include",
    ],
    linkopts = {linkopts},
)
""".format(linkopts = linkopts))

libtorch_repository = repository_rule(
    implementation = _libtorch_impl,
    environ = ["LIBTORCH", "PATH", "VIRTUAL_ENV"],
    local = True,
    configure = True,
)
