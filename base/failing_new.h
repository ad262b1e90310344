// operator new that fails when a test says so, for tests of book-keeping under
// memory that has run out. A program that links this has its operator new replaced.
//
// Threading: a failure concerns the thread that asked for it.
#ifndef BASE_FAILING_NEW_H_
#define BASE_FAILING_NEW_H_

#include <cstdint>

namespace slimreel {

// While it lives, calls of operator new in this thread are counted from 0, and from the `nth`
// on `count` of them fail: with std::bad_alloc, or null where the call cannot throw.
class FailingNew {
 public:
  static constexpr int64_t kAllLater = int64_t{1} << 60;

  explicit FailingNew(int64_t nth, int64_t count = 1);
  ~FailingNew();
  FailingNew(const FailingNew&) = delete;
  FailingNew& operator=(const FailingNew&) = delete;

  // Calls that failed in this thread since the last time that this was asked.
  static int64_t TakeNumFailed();
};

}  // namespace slimreel

#endif  // BASE_FAILING_NEW_H_
