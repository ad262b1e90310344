// Keeps OpenMP's waiting threads from spinning for long, in every program that links it. There is
// nothing to call: a program that computes names //base:spin_limit in its deps.
//
// A libgomp thread that waits for its team spins for up to milliseconds. On a busy machine the
// threads that it waits for cannot run meanwhile, and a step takes eight times as long. With a
// limit of 1000 turns the program keeps most of its share of a busy machine. README.md says what
// the limit costs on an idle one (more turns cost less and keep less). If the user sets
// GOMP_SPINCOUNT or OMP_WAIT_POLICY, that value counts.
//
// Note [Started twice]
// libgomp reads its environment variables in its constructor, which runs before the program's
// constructors. Only the program's .preinit_array runs earlier, but libgomp does not see a
// variable that is set there. So the program executes itself again, in the same process, with the
// variable added. The second start finds it set and continues normally.
//
// This code must not be in a shared library, which may have no .preinit_array. No constructor has
// run yet, so it uses only system calls and plain C functions. If anything fails, the program
// continues without the limit.
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

// Sanitizers also start in .preinit_array, and the order is not known.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace slimreel {
namespace {

constexpr char kProgram[] = "/proc/self/exe";
char limit_entry[] = "GOMP_SPINCOUNT=1000";
constexpr const char* kDecidedBy[] = {"GOMP_SPINCOUNT=", "OMP_WAIT_POLICY="};

bool UserDecided(char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    for (const char* name : kDecidedBy) {
      if (std::strncmp(*environment, name, std::strlen(name)) == 0) return true;
    }
  }
  return false;
}

// The second start executes "/proc/self/exe", so tools such as top would show the name "exe".
void TakeNameBack(const char* program) {
  const auto* const started = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  if (started == nullptr || std::strcmp(started, kProgram) != 0) return;
  const char* const slash = std::strrchr(program, '/');
  prctl(PR_SET_NAME, slash == nullptr ? program : slash + 1, 0, 0, 0);
}

// Returns only if the program cannot be started again.
void StartWithLimit(char** arguments, char** environment) {
  size_t count = 0;
  while (environment[count] != nullptr) ++count;
  const size_t bytes = (count + 2) * sizeof(char*);
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  auto* const extended = static_cast<char**>(memory);
  std::memcpy(extended, environment, count * sizeof(char*));
  extended[count] = limit_entry;  // mmap's zeros end the list
  execve(kProgram, arguments, extended);
  munmap(memory, bytes);
}

void LimitSpinning(int argc, char** argv, char** environment) {
  if (argc < 1) return;
  TakeNameBack(argv[0]);
  if (UserDecided(environment)) return;
  // AT_BASE is 0 if the loader was called by name; then /proc/self/exe is the loader.
  if (getauxval(AT_BASE) == 0 || getauxval(AT_SECURE) != 0) return;
  StartWithLimit(argv, environment);
}

__attribute__((section(".preinit_array"), used)) void (*limit_spinning)(int, char**,
                                                                        char**) = &LimitSpinning;

}  // namespace
}  // namespace slimreel

#endif
