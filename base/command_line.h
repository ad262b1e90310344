// What every main shares: arguments -> config overrides, the program's own
// gflags and positional words; --help; relative paths under `bazel run`; logging;
// exceptions; exit codes.
//
//   int main(int argc, char** argv) {
//     return slimreel::RunProgram(argc, argv, kProgram, [](const slimreel::CommandLine& line) {
//       return slimreel::Train(slimreel::OptionsFromFlags(), line.overrides);
//     });
//   }
#ifndef BASE_COMMAND_LINE_H_
#define BASE_COMMAND_LINE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/config_override.h"

namespace slimreel {

struct Program {
  std::string name;                // "train"
  std::string synopsis;            // "train --config=FILE [--run=DIR] [KEY=VALUE...]"
  std::string description;         // what it does, a few lines
  std::vector<std::string> flags;  // its gflags in the order that --help shows; no others are taken
  // Of these, the flags that name several paths: given again, they add (base/path_list.h). Of
  // any other flag the last value holds.
  std::vector<std::string> list_flags;
  std::string examples;  // one command per line
  // Whether words beside flags and settings mean something to the program: a command, files.
  // Else each is a mistake, so that a misspelt setting is never passed over.
  bool takes_positional = false;
  // Keys and aliases without a dot that are config settings (`seed`,
  // `learning_rate`); a flag of the program of the same name wins. Names with a
  // dot are config settings wherever `takes_config` is true.
  bool takes_config = false;
  std::vector<std::string> bare_keys;
  // Other names for flags: {"work-dir", "run"}.
  std::vector<std::pair<std::string, std::string>> flag_aliases;
  // What --help_config prints; without it that flag is unknown.
  std::function<std::string()> config_help;
};

struct CommandLine {
  std::vector<std::string> positional;  // empty without Program::takes_positional
  std::vector<ConfigOverride> overrides;
  bool help = false;
  bool help_config = false;
};

// Reads `arguments` (without the program's name) and sets the gflags. Spellings:
// --f=v, --f v, -f=v, --f and --nof for bools, a.b=v, --a.b=v, --a.b v; `--` ends the
// flags; `-` and `_` are the same in names. InvalidArgument reports all mistakes
// at once, each with the nearest known name.
absl::StatusOr<CommandLine> ParseCommandLine(const Program& program,
                                             const std::vector<std::string>& arguments);

// The page that --help prints.
std::string HelpPage(const Program& program);

// Runs `body` and returns the exit code (base/exit_code.h) of its status, whose
// message goes to standard error. Exceptions that reach it are internal errors.
int RunProgram(int argc, char** argv, const Program& program,
               const std::function<absl::Status(const CommandLine&)>& body);

}  // namespace slimreel

#endif  // BASE_COMMAND_LINE_H_
