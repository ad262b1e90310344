// Turns SIGTERM and SIGINT into a flag. The first signal asks the program to finish what it is
// doing, save, and exit with code 75. The second one ends the process at once.
//
// Threading: StopRequested and RequestStop may be called from any thread.
#ifndef BASE_STOP_SIGNAL_H_
#define BASE_STOP_SIGNAL_H_

namespace slimreel {

// Sets the flag on the first signal, for programs that then finish and save.
void InstallStopSignal();

// Ends the process with exit code 75 on the first signal. For times when there is nothing to
// finish or save, such as while a large model is read. A later InstallStopSignal replaces it.
void InstallStopExit();

bool StopRequested();

// Does what the first signal does, for tests and for a trainer that stops itself.
void RequestStop();

}  // namespace slimreel

#endif  // BASE_STOP_SIGNAL_H_
