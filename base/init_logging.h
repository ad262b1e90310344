// Starts glog, which then writes to standard error only, never to log files.
#ifndef BASE_INIT_LOGGING_H_
#define BASE_INIT_LOGGING_H_

namespace slimreel {

// Call it from main before other threads start; later calls do nothing. `program` is argv[0] and
// must stay valid until the process ends. With `quiet`, INFO lines are not written.
void InitLogging(const char* program, bool quiet = false);

}  // namespace slimreel

#endif  // BASE_INIT_LOGGING_H_
