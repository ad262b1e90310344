// glog, and not c10's macros of the same names.
//
// LibTorch defines LOG, CHECK, VLOG and others itself, and whichever header
// comes last wins without a word: with glog first, LOG(INFO) printed nothing. So
// c10's are brought in first, where LibTorch is there at all, and undefined; its
// guards then keep it from defining them again. Include this header in .cc files
// alone, last by custom. base/logging_test.cc holds that the order does not matter.
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
