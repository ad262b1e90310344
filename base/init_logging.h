// Starts glog: to standard error alone, never to files of its own.
#ifndef BASE_INIT_LOGGING_H_
#define BASE_INIT_LOGGING_H_

namespace slimreel {

// From main, before other threads; later calls do nothing. `program` must outlive the
// process (argv[0]). With `quiet`, INFO lines are left out.
void InitLogging(const char* program, bool quiet = false);

}  // namespace slimreel

#endif  // BASE_INIT_LOGGING_H_
