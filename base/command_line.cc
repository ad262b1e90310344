#include "base/command_line.h"

#include <gflags/gflags.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <map>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/exit_code.h"
#include "base/init_logging.h"
#include "base/nearest_name.h"
#include "base/path_list.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

constexpr absl::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

// True for "data.batch_size"; false for a path and for a file name that starts with a dot.
bool LooksLikeKey(absl::string_view name) {
  return !name.empty() && absl::ascii_isalpha(static_cast<unsigned char>(name[0])) &&
         name.find_first_not_of(kNameCharacters) == absl::string_view::npos;
}

class Parser {
 public:
  Parser(const Program& program, const std::vector<std::string>& arguments)
      : program_(program), arguments_(arguments) {}

  absl::StatusOr<CommandLine> Parse();

 private:
  void ParseBare(const std::string& argument);
  void ParseDashed(absl::string_view argument);
  void SetFlag(const std::string& name, std::string value);
  bool TakeValue(const std::string& name, std::string* value);
  bool IsFlag(const std::string& name) const { return absl::c_linear_search(program_.flags, name); }
  bool IsConfigKey(const std::string& name) const {
    return program_.takes_config &&
           (absl::StrContains(name, '.') || absl::c_linear_search(program_.bare_keys, name));
  }
  std::string FlagName(std::string name) const;
  std::string NearestFlag(const std::string& name) const;
  void Unknown(const std::string& name);
  void Unexpected(const std::string& argument);

  const Program& program_;
  const std::vector<std::string>& arguments_;
  size_t next_ = 0;
  CommandLine line_;
  std::vector<std::string> mistakes_;
  std::map<std::string, std::string> lists_;  // the values of list flags so far
};

std::string Parser::FlagName(std::string name) const {
  for (const auto& [alias, flag] : program_.flag_aliases) {
    if (name == alias) return flag;
  }
  std::string underscored = absl::StrReplaceAll(name, {{"-", "_"}});
  return IsFlag(underscored) || IsConfigKey(underscored) ? underscored : name;
}

// "; did you mean --config?", chosen from all names that may follow `--`.
std::string Parser::NearestFlag(const std::string& name) const {
  std::vector<std::string> known = program_.flags;
  known.insert(known.end(), program_.bare_keys.begin(), program_.bare_keys.end());
  for (const auto& alias : program_.flag_aliases) known.push_back(alias.first);
  known.push_back("help");
  for (std::string& flag : known) flag = absl::StrCat("--", flag);
  return DidYouMean(absl::StrCat("--", name), known);
}

void Parser::Unknown(const std::string& name) {
  mistakes_.push_back(
      absl::StrCat("unknown flag --", name, NearestFlag(name), " (--help lists all flags)"));
}

// Reports a word that the program has no use for.
void Parser::Unexpected(const std::string& argument) {
  const size_t equals = argument.find('=');
  const std::string name = argument.substr(0, equals);
  if (equals == std::string::npos || !LooksLikeKey(name)) {
    mistakes_.push_back(absl::StrCat("unexpected argument '", argument, "'", NearestFlag(name),
                                     " (give values as --NAME=VALUE: ", program_.synopsis, ")"));
    return;
  }
  mistakes_.push_back(absl::StrCat(
      "unexpected argument '", argument, "': ", name, " is not a flag",
      program_.takes_config ? " or a key of the configuration (section.name=value)" : "",
      NearestFlag(name), " (--help lists all flags",
      program_.config_help ? ", --help_config all keys)" : ")"));
}

void Parser::SetFlag(const std::string& name, std::string value) {
  if (absl::c_linear_search(program_.list_flags, name)) {
    const auto [at, first] = lists_.emplace(name, value);
    if (!first) at->second = absl::StrCat(at->second, std::string(1, kBetweenValues), value);
    value = at->second;
  }
  if (!gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty()) return;
  gflags::CommandLineFlagInfo info;
  gflags::GetCommandLineFlagInfo(name.c_str(), &info);
  mistakes_.push_back(absl::StrCat("--", name, " is \"", value, "\"; allowed is a value of type ",
                                   info.type, ": ", info.description));
}

bool Parser::TakeValue(const std::string& name, std::string* value) {
  if (next_ < arguments_.size() && !absl::StartsWith(arguments_[next_], "--")) {
    *value = arguments_[next_++];
    return true;
  }
  mistakes_.push_back(absl::StrCat("--", name, " needs a value, as in --", name, "=VALUE"));
  return false;
}

void Parser::ParseDashed(absl::string_view argument) {
  const std::pair<std::string, std::string> split =
      absl::StrSplit(argument, absl::MaxSplits('=', 1));
  const bool has_value = absl::StrContains(argument, '=');
  const std::string name = FlagName(split.first);
  std::string value = split.second;
  if (name == "help" || name == "h") {
    line_.help = true;
  } else if ((name == "help_config" || name == "help-config") && program_.config_help) {
    line_.help_config = true;
  } else if (IsFlag(name)) {
    gflags::CommandLineFlagInfo info;
    const bool is_bool = gflags::GetCommandLineFlagInfo(name.c_str(), &info) && info.type == "bool";
    if (!has_value && is_bool) value = "true";
    if (has_value || is_bool || TakeValue(name, &value)) SetFlag(name, value);
  } else if (IsConfigKey(name)) {
    // Switches of Hugging Face and others (--fp16) have no value.
    const bool is_switch =
        !has_value && !absl::StrContains(name, '.') &&
        (next_ >= arguments_.size() || absl::StartsWith(arguments_[next_], "--"));
    if (is_switch) value = "true";
    if (has_value || is_switch || TakeValue(name, &value)) line_.overrides.push_back({name, value});
  } else if (absl::StartsWith(name, "no") && IsFlag(name.substr(2)) && !has_value) {
    SetFlag(name.substr(2), "false");
  } else {
    Unknown(split.first);
  }
}

void Parser::ParseBare(const std::string& argument) {
  const size_t equals = argument.find('=');
  const std::string name = argument.substr(0, equals);
  if (equals != std::string::npos && LooksLikeKey(name)) {
    const std::string flag = FlagName(name);
    if (IsConfigKey(flag) && !IsFlag(flag)) {
      line_.overrides.push_back({flag, argument.substr(equals + 1)});
      return;
    }
    if (IsFlag(flag)) return SetFlag(flag, argument.substr(equals + 1));
  }
  if (!program_.takes_positional) return Unexpected(argument);
  line_.positional.push_back(argument);
}

absl::StatusOr<CommandLine> Parser::Parse() {
  bool flags_ended = false;
  while (next_ < arguments_.size()) {
    const std::string& argument = arguments_[next_++];
    if (flags_ended || argument == "-" || !absl::StartsWith(argument, "-")) {
      ParseBare(argument);
    } else if (argument == "--") {
      flags_ended = true;
    } else {
      ParseDashed(absl::string_view(argument).substr(absl::StartsWith(argument, "--") ? 2 : 1));
    }
  }
  if (!mistakes_.empty()) return absl::InvalidArgumentError(absl::StrJoin(mistakes_, "\n"));
  return std::move(line_);
}

// The message of an exception without the stack frames that torch appends. They do not help a
// user, and they hide the line that does.
std::string WithoutFrames(absl::string_view what) {
  for (absl::string_view frames : {"Exception raised from", "\nframe #"}) {
    what = what.substr(0, what.find(frames));
  }
  return std::string(absl::StripTrailingAsciiWhitespace(what));
}

std::string Indented(const std::string& text) {
  return absl::StrCat("  ", absl::StrReplaceAll(text, {{"\n", "\n  "}}), "\n");
}

absl::Status ParseAndRun(const Program& program, const std::vector<std::string>& arguments,
                         const std::function<absl::Status(const CommandLine&)>& body) {
  SLIMREEL_ASSIGN_OR_RETURN(const CommandLine line, ParseCommandLine(program, arguments));
  if (line.help || line.help_config) {
    const std::string page = line.help ? HelpPage(program) : program.config_help();
    fputs(page.c_str(), stdout);
    return absl::OkStatus();
  }
  return body(line);
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(const Program& program,
                                             const std::vector<std::string>& arguments) {
  return Parser(program, arguments).Parse();
}

std::string HelpPage(const Program& program) {
  std::string page =
      absl::StrCat("SYNOPSIS\n", Indented(program.synopsis), "\n", Indented(program.description));
  absl::StrAppend(&page, "\nFLAGS\n");
  for (const std::string& name : program.flags) {
    gflags::CommandLineFlagInfo info;
    if (!gflags::GetCommandLineFlagInfo(name.c_str(), &info)) continue;
    const std::string value =
        info.default_value.empty() ? "" : absl::StrCat(" (default ", info.default_value, ")");
    const bool adds = absl::c_linear_search(program.list_flags, name);
    absl::StrAppend(&page, "  --", name, "\n      ", info.description, value,
                    adds ? "; may be given several times" : "", "\n");
  }
  absl::StrAppend(&page, "  --help\n      prints this page\n");
  if (program.takes_config) {
    absl::StrAppend(&page,
                    "  KEY=VALUE, --KEY=VALUE\n      sets a key of the configuration, such as "
                    "data.batch_size=4",
                    program.config_help ? "\n  --help_config\n      prints all keys\n" : "\n");
  }
  if (!program.examples.empty()) {
    absl::StrAppend(&page, "\nEXAMPLES\n", Indented(program.examples));
  }
  absl::StrAppend(&page,
                  "\nEXIT CODES\n"
                  "  0   done\n"
                  "  1   internal error, or an error of the machine: disk full, not writable\n"
                  "  2   wrong usage or configuration\n"
                  "  3   the data is unusable\n"
                  "  4   nothing fits the memory budget\n"
                  "  75  stopped by a signal; what was saved stays; run again to continue\n");
  return page;
}

int RunProgram(int argc, char** argv, const Program& program,
               const std::function<absl::Status(const CommandLine&)>& body) {
  InitLogging(argv[0]);
  // `bazel run` starts programs in another folder; relative paths are meant from the user's.
  if (const char* folder = getenv("BUILD_WORKING_DIRECTORY"); folder != nullptr) {
    if (chdir(folder) != 0) fprintf(stderr, "%s: cannot enter %s\n", program.name.c_str(), folder);
  }
  absl::Status status;
  try {
    status = ParseAndRun(program, std::vector<std::string>(argv + 1, argv + argc), body);
  } catch (const std::exception& error) {
    status = absl::InternalError(absl::StrCat("internal error: ", WithoutFrames(error.what())));
  }
  // Writing through std::cout may have failed earlier.
  if ((fflush(stdout) != 0 || !std::cout.flush()) && status.ok()) {
    status = absl::InternalError("cannot write to standard output");
  }
  if (!status.ok()) {
    fprintf(stderr, "%s: %s\n", program.name.c_str(), std::string(status.message()).c_str());
  }
  return static_cast<int>(ExitCodeOf(status));
}

}  // namespace slimreel
