// What all main functions share. It splits the arguments into config overrides, the program's own
// gflags and positional words, and handles --help, relative paths under `bazel run`, logging,
// exceptions and exit codes.
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
  std::vector<std::string> flags;  // the gflags it accepts, in the order that --help shows
  // Those of `flags` that name several paths. If one is given again, its values add up
  // (base/path_list.h). For all other flags the last value counts.
  std::vector<std::string> list_flags;
  std::string examples;  // one command per line
  // Whether the program uses words that are neither flags nor settings: a command, files. If not,
  // such a word is an error, so that a misspelt setting is never ignored.
  bool takes_positional = false;
  // Whether the program takes config settings. Every name with a dot is one.
  bool takes_config = false;
  // Keys and aliases without a dot that are config settings (`seed`, `learning_rate`). A flag of
  // the program with the same name wins.
  std::vector<std::string> bare_keys;
  // Other names for flags: {"work-dir", "run"}.
  std::vector<std::pair<std::string, std::string>> flag_aliases;
  // Makes what --help_config prints. If empty, that flag is unknown.
  std::function<std::string()> config_help;
};

struct CommandLine {
  std::vector<std::string> positional;  // empty without Program::takes_positional
  std::vector<ConfigOverride> overrides;
  bool help = false;
  bool help_config = false;
};

// Reads `arguments` (without the program's name) and sets the gflags. Accepted spellings:
// --f=v, --f v, -f=v, --f and --nof for bools, a.b=v, --a.b=v, --a.b v. `--` ends the flags.
// `-` and `_` are the same in names. InvalidArgument reports all mistakes at once, each with the
// nearest known name.
absl::StatusOr<CommandLine> ParseCommandLine(const Program& program,
                                             const std::vector<std::string>& arguments);

// The page that --help prints.
std::string HelpPage(const Program& program);

// Runs `body`, prints the message of an error to standard error and returns the exit code of the
// status (base/exit_code.h). An exception that leaves `body` is an internal error.
int RunProgram(int argc, char** argv, const Program& program,
               const std::function<absl::Status(const CommandLine&)>& body);

}  // namespace slimreel

#endif  // BASE_COMMAND_LINE_H_
