// The two usual macros for absl::Status, which Debian's absl does not have.
#ifndef BASE_STATUS_MACROS_H_
#define BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define SLIMREEL_CONCAT_INNER_(a, b) a##b
#define SLIMREEL_CONCAT_(a, b) SLIMREEL_CONCAT_INNER_(a, b)

// Returns from the function if `expression` (an absl::Status) is not ok.
#define SLIMREEL_RETURN_IF_ERROR(expression)                                  \
  do {                                                                        \
    if (absl::Status slimreel_status_ = (expression); !slimreel_status_.ok()) \
      return slimreel_status_;                                                \
  } while (false)

// SLIMREEL_ASSIGN_OR_RETURN(auto value, MakeValue()); `value` may be a declaration or an lvalue.
#define SLIMREEL_ASSIGN_OR_RETURN(left, expression) \
  SLIMREEL_ASSIGN_OR_RETURN_(SLIMREEL_CONCAT_(slimreel_or_, __LINE__), left, expression)
#define SLIMREEL_ASSIGN_OR_RETURN_(holder, left, expression) \
  auto holder = (expression);                                \
  if (!holder.ok()) return holder.status();                  \
  left = *std::move(holder)

#endif  // BASE_STATUS_MACROS_H_
