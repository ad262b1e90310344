// Links spin_limit and starts itself with chosen variables. That programs with OpenMP take the
// limit over is tested by tools/integration/spin_limit_test.py.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

namespace {

char child_argument[] = "--child";

// What the child prints: the variable and the name of its process.
int PrintWhatIsSeen() {
  const char* const limit = getenv("GOMP_SPINCOUNT");
  std::string name;
  std::ifstream("/proc/self/comm") >> name;
  printf("%s %s", limit == nullptr ? "none" : limit, name.c_str());
  return 0;
}

// Starts this program with only `variable` in its environment, and returns what it prints.
std::string SeenWith(std::string variable) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    char program[] = "./program";
    char* arguments[] = {program, child_argument, nullptr};
    char* environment[] = {variable.data(), nullptr};
    execve("/proc/self/exe", arguments, environment);
    _exit(1);
  }
  close(ends[1]);
  std::string seen(256, '\0');
  seen.resize(static_cast<size_t>(std::max<ssize_t>(read(ends[0], seen.data(), seen.size()), 0)));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return seen;
}

TEST(SpinLimitTest, SetsTheVariableAndKeepsTheName) {
  EXPECT_EQ(SeenWith("WORD=kept"), "1000 program");
}

TEST(SpinLimitTest, TheUsersVariablesCount) {
  EXPECT_EQ(SeenWith("GOMP_SPINCOUNT=77").substr(0, 3), "77 ");
  EXPECT_EQ(SeenWith("OMP_WAIT_POLICY=passive").substr(0, 5), "none ");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], child_argument) == 0) return PrintWhatIsSeen();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
