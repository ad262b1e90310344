// What a plan is made under, and what of that is another since: a resumed run keeps its
// checkpoint's plan only as long as the plan is true of what it runs under.
//
// Threading: free functions without state. Pure numbers and text.
#ifndef TRAINER_SETUP_PLAN_TERMS_H_
#define TRAINER_SETUP_PLAN_TERMS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "configs/schema.h"
#include "trainer/checkpoint/train_state.h"

namespace slimreel {

// The keys that decide a plan, as YAML by name: PlanTerms::keys.
std::map<std::string, std::string> PlanKeys(const Config& config);

// What of `now` is another than in `made_under`, a line each: "memory.budget: 24MiB -> 4GiB".
// Unknown on either side is no change, nor is a ceiling that moved by a hundredth or less: a
// machine tells its memory a little differently after each start.
std::vector<std::string> ChangedTerms(const PlanTerms& made_under, const PlanTerms& now);

}  // namespace slimreel

#endif  // TRAINER_SETUP_PLAN_TERMS_H_
