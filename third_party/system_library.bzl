"""A repository rule that serves one library of the system, found by pkg-config or by its header.

`@NAME//:NAME` is a cc_library. If the library is missing, the build stops and
names the package to install.
"""

def _missing(ctx, what):
    fail("\n\n%s was not found (%s).\nInstall it with: apt-get install %s\nor run tools/setup.sh, which installs everything that SlimReel needs.\n" % (
        ctx.name,
        what,
        ctx.attr.apt_packages,
    ))

def _pkg_config(ctx, option):
    program = ctx.which("pkg-config")
    if not program:
        fail("\n\npkg-config was not found.\nInstall it with: apt-get install pkg-config, or run tools/setup.sh.\n")
    result = ctx.execute([program, option] + ctx.attr.pkg_config)
    if result.return_code != 0:
        _missing(ctx, result.stderr.strip().split("\n")[0])
    return [word for word in result.stdout.strip().split(" ") if word]

def _system_library_impl(ctx):
    include_dirs = [ctx.attr.include_dir] if ctx.attr.include_dir else []
    linkopts = list(ctx.attr.linkopts)
    if ctx.attr.pkg_config:
        include_dirs += [flag[2:] for flag in _pkg_config(ctx, "--cflags-only-I")]
        linkopts += _pkg_config(ctx, "--libs")
    if ctx.attr.header:
        searched = include_dirs + ["/usr/include", "/usr/local/include"] + ["/usr/include/" + ctx.os.name + "-gnu"]
        if not [1 for folder in searched if ctx.path(folder + "/" + ctx.attr.header).exists]:
            _missing(ctx, "no header " + ctx.attr.header)
    includes = []
    for folder in include_dirs:
        # The compiler searches these folders anyway.
        if folder.rstrip("/") in ("/usr/include", "/usr/include/x86_64-linux-gnu"):
            continue
        link = "include%d" % len(includes)
        ctx.symlink(folder, link)
        includes.append(link)
    ctx.file("BUILD", """package(default_visibility = ["//visibility:public"])

cc_library(
    name = "{name}",
    # One folder as one source, instead of thousands of header targets.
    hdrs = {includes},
    includes = {includes},
    linkopts = {linkopts},
)
""".format(name = ctx.name, includes = includes, linkopts = linkopts))

system_library = repository_rule(
    implementation = _system_library_impl,
    attrs = {
        "apt_packages": attr.string(mandatory = True),
        "header": attr.string(),
        "include_dir": attr.string(),
        "linkopts": attr.string_list(),
        "pkg_config": attr.string_list(),
    },
    environ = ["PATH", "PKG_CONFIG_PATH"],
    local = True,
)
