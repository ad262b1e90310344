// Starts what computes on the CPU before memory is limited: the OpenMP team and the kernel
// libraries. Their threads, code and buffers then count as in use, so that a ceiling leaves them
// out.
//
// See Note [What is started before a limit].
#ifndef MEMORY_TRACKING_WARM_UP_H_
#define MEMORY_TRACKING_WARM_UP_H_

namespace slimreel {

// Computes a small convolution and a small matrix product, forward and backward, with all of
// ATen's threads. Leaves no tensor, no kept block, no peak and no drawn random number. Threading:
// call it from the thread that runs the steps, because each thread has a team of its own.
void WarmUpCpu();

}  // namespace slimreel

#endif  // MEMORY_TRACKING_WARM_UP_H_
