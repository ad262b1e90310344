// SIGTERM and SIGINT as a flag: the first asks the program to finish what it is
// at, save, and leave with exit code 75; the second ends the process at once.
//
// Threading: StopRequested may be called from any thread.
#ifndef BASE_STOP_SIGNAL_H_
#define BASE_STOP_SIGNAL_H_

namespace slimreel {

// By programs that save on the first signal, from where there is something to finish on.
void InstallStopSignal();

// The first signal ends the process at once with exit code 75: while there is nothing to finish or
// to save, as when a large model is read. InstallStopSignal takes its place.
void InstallStopExit();

bool StopRequested();

// As the first signal does (tests; a trainer that shall stop itself).
void RequestStop();

}  // namespace slimreel

#endif  // BASE_STOP_SIGNAL_H_
