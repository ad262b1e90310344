// Includes glog, and replaces the macros of the same names that c10 defines.
//
// LibTorch defines LOG, CHECK, VLOG and others too, and the header that is included last wins
// silently: with glog first, LOG(INFO) printed nothing. This header therefore includes c10's
// header first, if LibTorch is available, and undefines its macros. c10's include guard keeps it
// from defining them again. Include this header only in .cc files, last by convention.
// base/logging_test.cc tests that the order does not matter.
#ifndef BASE_LOGGING_H_
#define BASE_LOGGING_H_

#if __has_include(<c10/util/Logging.h>)
#include <c10/util/Logging.h>
#endif

#undef CHECK
#undef CHECK_EQ
#undef CHECK_GE
#undef CHECK_GT
#undef CHECK_LE
#undef CHECK_LT
#undef CHECK_NE
#undef CHECK_NOTNULL
#undef CHECK_OP
#undef DCHECK
#undef DCHECK_EQ
#undef DCHECK_GE
#undef DCHECK_GT
#undef DCHECK_LE
#undef DCHECK_LT
#undef DCHECK_NE
#undef DCHECK_NOTNULL
#undef DLOG
#undef DLOG_IF
#undef DVLOG
#undef LOG
#undef LOG_EVERY_N
#undef LOG_FIRST_N
#undef LOG_IF
#undef VLOG
#undef VLOG_IF
#undef VLOG_IS_ON

#include <glog/logging.h>

#endif  // BASE_LOGGING_H_
