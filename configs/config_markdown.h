// The page docs/config.md: every key of the configuration, grouped by section, made from the key
// table. Threading: pure.
#ifndef CONFIGS_CONFIG_MARKDOWN_H_
#define CONFIGS_CONFIG_MARKDOWN_H_

#include <string>

namespace slimreel {

// The page as Markdown: meaning, default, allowed values and other names of each key.
std::string ConfigMarkdown();

}  // namespace slimreel

#endif  // CONFIGS_CONFIG_MARKDOWN_H_
