// An operator new that fails when a test asks for it, to test what code does when memory runs
// out. It replaces operator new of every program that links it.
//
// Threading: only the thread that made a FailingNew sees its failures.
#ifndef BASE_FAILING_NEW_H_
#define BASE_FAILING_NEW_H_

#include <cstdint>

namespace slimreel {

// While an object lives, calls of operator new in this thread are counted from 0. Call number
// `nth` and those after it fail, `count` in all: with std::bad_alloc, or with null for the
// nothrow form.
class FailingNew {
 public:
  static constexpr int64_t kAllLater = int64_t{1} << 60;

  explicit FailingNew(int64_t nth, int64_t count = 1);
  ~FailingNew();
  FailingNew(const FailingNew&) = delete;
  FailingNew& operator=(const FailingNew&) = delete;

  // The number of calls that failed in this thread since the last call of this function.
  static int64_t TakeNumFailed();
};

}  // namespace slimreel

#endif  // BASE_FAILING_NEW_H_
