// SIGTERM and SIGINT as a flag: the first asks the program to finish what it is
// at, save, and leave with exit code 75; the second ends the process at once.
//
// Threading: StopRequested may be called from any thread.
#ifndef BASE_STOP_SIGNAL_H_
#define BASE_STOP_SIGNAL_H_

namespace slimreel {

// Once, from main, by programs that save on the first signal.
void InstallStopSignal();

bool StopRequested();

// As the first signal does (tests; a trainer that shall stop itself).
void RequestStop();

}  // namespace slimreel

#endif  // BASE_STOP_SIGNAL_H_
